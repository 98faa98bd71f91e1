import { expect, test } from 'vitest';
import { formatAddress, isLocal, parseListenAddress } from '../../src/config/address.ts';
import type { ListenAddress } from '../../src/config/config.ts';

const tcp = (host: string, port: number): ListenAddress => ({ kind: 'tcp', host, port });

test.each([
  ['127.0.0.1:50051', tcp('127.0.0.1', 50051)],
  ['localhost:0', tcp('localhost', 0)],
  ['keys.example.com:65535', tcp('keys.example.com', 65535)],
  ['[::1]:50051', tcp('::1', 50051)],
  ['unix:/run/keylease.sock', { kind: 'unix', path: '/run/keylease.sock' } as const],
  ['unix:///run/keylease.sock', { kind: 'unix', path: '/run/keylease.sock' } as const],
])('%s is an address to listen on', (text, address) => {
  expect(parseListenAddress(text)).toEqual({ ok: true, address });
});

test.each(['', ':1', 'a', 'a:', 'a:b', 'a:65536', 'a:1:2', '::1:1', '[1.2.3.4]:1', '[::1]', '1.2.3:1', '256.0.0.1:1', 'a..b:1', 'a b:1'])(
  '%j is no address of a host',
  (text) => {
    expect(parseListenAddress(text)).toEqual({ ok: false, problem: expect.stringContaining('expected') });
  },
);

test.each(['unix:', 'unix:a', 'unix:/', 'unix://a/b', 'unix:////a', 'unix:/a\u0000b', 'unix:/a\nb'])(
  '%j is no address of a socket',
  (text) => {
    expect(parseListenAddress(text)).toEqual({ ok: false, problem: expect.stringContaining('absolute path') });
  },
);

test.each([
  ['127.0.0.1:1', true],
  ['127.9.9.9:1', true],
  ['LOCALHOST:1', true],
  ['[::1]:1', true],
  ['[0:0:0:0:0:0:0:1]:1', true],
  ['unix:/a', true],
  ['0.0.0.0:1', false],
  ['10.0.0.1:1', false],
  ['[::]:1', false],
  ['[fe80::1]:1', false],
  ['localhost.example.com:1', false],
])('that only this machine reaches %s is %s', (text, local) => {
  const parsed = parseListenAddress(text);
  expect(parsed.ok && isLocal(parsed.address)).toBe(local);
  expect(parsed.ok).toBe(true);
});

test.each(['127.0.0.1:50051', '[::1]:1', 'unix:/run/keylease.sock'])('%s is written as it was read', (text) => {
  const parsed = parseListenAddress(text);
  expect(parsed.ok && formatAddress(parsed.address)).toBe(text);
});
