import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Connection } from '../../src/store/redis/connection.ts';
import { ACCESS, RedisServer } from '../support/redis.ts';
import type { Scanner } from './scanner.ts';

/** A server without a password yet, that writes to disk what it is told, and everything uncompressed so that it can be looked through. */
export async function startRedis(): Promise<RedisServer> {
  const server = await RedisServer.start('--appendonly', 'yes', '--rdbcompression', 'no');
  onTestFinished(() => server.stop());
  return server;
}

/** Shows the scanner every key with its value, and every file. */
export async function scanRedis(server: RedisServer, password: string, scanner: Scanner): Promise<void> {
  const connection = await Connection.open(server.at, { ...ACCESS, password }, () => {});
  onTestFinished(() => connection.close());
  let cursor = '0';
  do {
    const [next, keys] = (await connection.send('SCAN', cursor, 'COUNT', '1000')) as [string, string[]];
    for (const key of keys) {
      scanner.scan('Redis: keys', key);
      scanner.scan('Redis: values', String(await connection.send('DUMP', key)));
    }
    cursor = next;
  } while (cursor !== '0');
  await connection.run(['SAVE'], 10_000);
  for (const name of readdirSync(server.folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(server.folder, name);
    if (statSync(path).isFile()) scanner.scan(`Redis: ${name.endsWith('.rdb') ? 'RDB' : 'AOF'}`, readFileSync(path));
  }
}
