import { expect, test } from 'vitest';
import type { Config, ListenAddress } from '../../src/config/config.ts';
import { reloadMistakes } from '../../src/config/reload-check.ts';
import { type ConfigContent, configOf, keyOf, onePool } from '../support/app.ts';

const UNIX_AUTH: ConfigContent = {
  auth: { unix: { holder: 'sidecar' } },
  access: [{ holders: ['**'], verbs: ['acquire'] }],
};
const OPEN: ListenAddress = { kind: 'tcp', host: '0.0.0.0', port: 50051 };
const LOCAL: ListenAddress = { kind: 'tcp', host: '127.0.0.1', port: 50051 };
const SOCKET: ListenAddress = { kind: 'unix', path: '/run/keylease.sock' };

const plain = configOf(onePool([keyOf('a')]));
const guarded = configOf({ ...onePool([keyOf('a')]), ...UNIX_AUTH, listen: ['unix:/run/keylease.sock'] });
const on = (config: Config, listen: readonly ListenAddress[], adminListen: ListenAddress | null = null): Config => ({
  ...config,
  listen,
  adminListen,
});

const MISTAKE = 'auth: cannot be left out while this process still listens on 0.0.0.0:50051, which other machines can reach: restart it';

test.each<[string, Config, Config, readonly string[]]>([
  ['auth left out, and the address that others reach too', on(guarded, [OPEN]), on(plain, [LOCAL]), [MISTAKE]],
  ['the same for the address of operators', on(guarded, [LOCAL], OPEN), on(plain, [LOCAL]), [MISTAKE]],
  ['auth stays', on(guarded, [OPEN]), on(guarded, [LOCAL]), []],
  ['auth left out where the file still names the address, which it may only with insecure', on(guarded, [OPEN]), on(plain, [OPEN]), []],
  ['nobody else reaches it', on(guarded, [LOCAL, SOCKET]), on(plain, [SOCKET]), []],
])('%s', (_, before, next, mistakes) => {
  expect(reloadMistakes(before, before, next)).toEqual(mistakes);
});

test('auth that was off already may stay off', () => {
  expect(reloadMistakes(on(plain, [OPEN]), on(plain, [OPEN]), on(plain, [LOCAL]))).toEqual([]);
});
