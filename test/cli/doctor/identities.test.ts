import { expect, test } from 'vitest';
import { checkIdentities } from '../../../src/cli/doctor/identities.ts';
import { TlsFiles } from '../../../src/config/tls-pair.ts';
import { makeAuthority } from '../../support/pki.ts';

const DAY = 86_400_000;

const authority = await makeAuthority('doctor authority');
const { cert, key } = await authority.issue({ commonName: 'pool.example', validMs: 30 * DAY });
const tls = { files: new TlsFiles(cert, key, null), requireClientCert: false };
const madeAt = Date.now();

test.each([
  ['long before it expires', 0, 'fine', /CN=pool\.example: good for (?:29|30)d/],
  ['two weeks before', 17 * DAY, 'warning', /expires in 1[23]d.*; renew it/],
  ['after it', 31 * DAY, 'fault', /expired .* ago; renew it/],
  ['before it is good', -2 * DAY, 'fault', /not good before/],
])('a certificate looked at %s is told of', (_name, later, level, told) => {
  const [finding] = checkIdentities({ tls, auth: null }, madeAt + later);
  expect(finding).toMatchObject({ level, about: 'certificate', told: expect.stringMatching(told) });
});

const token = (holder: string, expireTime: number | null) => ({
  id: 'abcdefgh',
  sha256: '0'.repeat(64),
  holder,
  expireTime,
  createTime: 0,
});
const auth = (...tokens: ReturnType<typeof token>[]) => ({ mtls: null, jwt: null, unix: null, tokensFile: null, tokens });

test('a holder all of whose tokens have expired is named, one with a good one left is not', () => {
  const settings = { tls: null, auth: auth(token('search', 500), token('search', null), token('batch', 500)) };
  expect(checkIdentities(settings, 1_000)).toEqual([
    { level: 'warning', about: 'tokens', told: '1 token of 1 holder; every token of batch has expired: keylease token create' },
  ]);
  expect(checkIdentities(settings, 400)).toEqual([{ level: 'fine', about: 'tokens', told: '3 tokens of 2 holders' }]);
});
