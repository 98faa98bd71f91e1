import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Access, Login, Tls } from '../../../src/store/redis/connection.ts';
import { type Authority, makeAuthority } from '../../support/pki.ts';
import { ACCESS, type Secured } from '../../support/redis.ts';

/** Servers that ask for a certificate and a password, and what gets in. */
export interface Safe extends Secured {
  readonly authority: Authority;
  /** Has ca.pem, cert.pem and key.pem, as the servers have them. */
  readonly folder: string;
  /** What the user `keylease` needs. */
  readonly user: Access;
  readonly stop: () => void;
}

const ADMIN = 'admin-password';
const USER = 'user-password';
const SENTINEL = 'sentinel-password';

/** Everything over TLS with certificates on both sides, and each of servers, their user and Sentinels with a password of its own. */
export async function makeSafe(rule: string): Promise<Safe> {
  const folder = mkdtempSync(join(tmpdir(), 'keylease-secured-'));
  const authority = await makeAuthority();
  const { cert, key } = await authority.issue();
  const files = { ca: authority.pem, cert, key };
  const paths = Object.entries(files).map(([name, text]) => {
    const path = join(folder, `${name}.pem`);
    writeFileSync(path, text);
    return path;
  });
  const named = ['tls-ca-cert-file', 'tls-cert-file', 'tls-key-file'].map((name, place) => [name, paths[place] as string]);
  const settings = [...named, ['tls-replication', 'yes']] as [string, string][];
  const tls: Tls = { ...files, serverName: undefined };
  const sentinels: Login = { tls, username: 'keylease', password: SENTINEL };
  return {
    ...{ authority, folder },
    access: { ...ACCESS, tls, password: ADMIN, sentinels: { tls, username: undefined, password: ADMIN } },
    user: { ...ACCESS, tls, username: 'keylease', password: USER, sentinels },
    args: [
      ...[...settings, ['tls-cluster', 'yes'], ['requirepass', ADMIN], ['masterauth', ADMIN]].flatMap(([name, value]) => [
        `--${name}`,
        `${value}`,
      ]),
      ...['--user', 'keylease', 'on', `>${USER}`, ...rule.split(' ')],
    ],
    sentinel: [
      ...settings.map((setting) => setting.join(' ')),
      `sentinel auth-pass main ${ADMIN}`,
      `requirepass ${ADMIN}`,
      `user keylease on >${SENTINEL} -@all +sentinel|get-master-addr-by-name`,
    ],
    cli: ['--tls', '--cacert', paths[0] as string, '--cert', paths[1] as string, '--key', paths[2] as string, '-a', ADMIN],
    stop: () => rmSync(folder, { recursive: true, force: true }),
  };
}
