import { X509Certificate } from 'node:crypto';
import type { Config } from '../../config/config.ts';
import { counted, span } from '../words.ts';
import { type Finding, fault, fine, warning } from './finding.ts';

/** Time enough to find out why nobody renewed it. */
const SOON_MS = 14 * 86_400_000;

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Certificates and tokens that have expired, or soon will. That a file is there and whole is a matter of the configuration. */
export function checkIdentities({ tls, auth }: Pick<Config, 'tls' | 'auth'>, now: number): readonly Finding[] {
  return [
    ...(tls === null ? [] : certificates('certificate', tls.files.cert, now)),
    ...(tls?.files.clientCa ? certificates('client ca', tls.files.clientCa, now) : []),
    ...tokens(auth?.tokens ?? [], now),
  ];
}

function certificates(about: string, pem: string, now: number): readonly Finding[] {
  return (pem.match(CERTIFICATE) ?? []).map((text) => {
    const { subject, validFromDate, validToDate } = new X509Certificate(text);
    const name = subject.replaceAll('\n', ', ');
    const left = validToDate.getTime() - now;
    if (validFromDate.getTime() > now) return fault(about, `${name}: not good before ${validFromDate.toISOString()}; look at the clock`);
    if (left <= 0) return fault(about, `${name}: expired ${span(-left)} ago; renew it`);
    return left < SOON_MS ? warning(about, `${name}: expires in ${span(left)}; renew it`) : fine(about, `${name}: good for ${span(left)}`);
  });
}

function tokens(entries: readonly { readonly holder: string; readonly expireTime: number | null }[], now: number): readonly Finding[] {
  if (entries.length === 0) return [];
  const isGood = ({ expireTime }: { expireTime: number | null }) => expireTime === null || expireTime > now;
  const good = entries.filter(isGood);
  const without = new Set(entries.map(({ holder }) => holder));
  for (const { holder } of good) without.delete(holder);
  const told = `${counted(good.length, 'token')} of ${counted(new Set(good.map(({ holder }) => holder)).size, 'holder')}`;
  return without.size === 0
    ? [fine('tokens', told)]
    : [warning('tokens', `${told}; every token of ${[...without].sort().join(', ')} has expired: keylease token create`)];
}
