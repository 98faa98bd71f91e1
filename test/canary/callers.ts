import { createConnection } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { rawCaller } from '../grpc/raw.ts';
import { metadataOf } from '../support/auth-app.ts';
import { command } from './command.ts';
import type { Scanner } from './scanner.ts';
import type { World } from './world.ts';

/** Everybody who may call, and everybody who shows something that is nearly good; answers how the good ones fared. */
export async function callers({ proxy, guard, direct }: World, scanner: Scanner): Promise<readonly string[]> {
  const { token, expiredToken, jwt, expiredJwt } = guard.shown;
  const call = rawCaller(proxy.address);
  const acquire = async (...authorization: string[]) =>
    (await call('/keylease.v1.KeyLeaseService/AcquireKey', Buffer.alloc(0), metadataOf({ authorization }))).status;
  const good = [await acquire(), await acquire(`Bearer ${token}`), await acquire(`Bearer ${jwt}`)];
  const basic = Buffer.from(`user:${token}`).toString('base64');
  for (const shown of [`${token}x`, token.slice(0, -1), expiredToken, expiredJwt, `${jwt}x`, `${jwt.slice(0, -8)}AAAAAAAA`, jwt.slice(2)])
    await acquire(`Bearer ${shown}`);
  for (const shown of [token, jwt, `Basic ${basic}`, `Bearer ${token} ${jwt}`, `Bearer ${token}, Bearer ${jwt}`]) await acquire(shown);
  scanner.scan('plain text to TLS', `read: ${await plain(direct(), token)}`);
  return good;
}

/** What a listener of TLS answers to a token in plain text, or how it hangs up. */
async function plain(address: string, token: string): Promise<string> {
  const [host, port] = address.split(':') as [string, string];
  const socket = createConnection({ host, port: Number(port) });
  socket.write(`GET / HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\n\r\n`);
  return text(socket).catch(String);
}

/** The command, which shows what the files say, also where they are mistaken for one another; answers what it printed where all was well. */
export async function commands(world: World, scanner: Scanner): Promise<readonly string[]> {
  const at = (name: string) => join(world.guard.papers.folder, name);
  const [ca, cert, key] = ['ca.pem', 'client.pem', 'client.key'].map(at) as [string, string, string];
  const tls = ['--server', world.direct(), '--tls-ca', ca];
  world.guard.papers.write('token', world.guard.shown.token);
  const pools = async (...options: string[]) => {
    const printed = await command(world, [...options, '--timeout', '2s', 'pools']);
    scanner.scan('command: pools', printed);
    return printed;
  };
  const good = [await pools(...tls, '--tls-cert', cert, '--tls-key', key), await pools(...tls, '--token-file', at('token'))];
  await pools(...tls, '--tls-cert', key, '--tls-key', cert);
  await pools(...tls, '--tls-cert', cert, '--tls-key', at('server.key'));
  await pools(...tls, '--token-file', key);
  await pools('--server', world.direct(), '--tls-ca', key);
  await pools('--server', world.direct(), '--token-file', at('token'));
  await pools('--server', 'keylease.test:1', '--token-file', at('token'));
  for (const json of [[], ['--json']])
    scanner.scan('command: token', await command(world, [...json, 'token', 'list', '--file', at('tokens.yaml')]));
  return good;
}
