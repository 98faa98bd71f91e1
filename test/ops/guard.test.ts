import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { minimal, mistakesOf, mustBeGood, parse } from '../config/support.ts';
import { keyOf, onePool, startTestApp } from '../support/app.ts';

const TOKEN = 'a-token-long-enough';

async function opsAddress(ops: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const { app } = await startTestApp({ config: { ...onePool([keyOf('a')]), ops: { listen: '127.0.0.1:0', ...ops } } });
  return app.opsAddress as string;
}

/** A request with headers as they stand, also a Host that fetch would not send. */
async function get(address: string, path: string, headers: Readonly<Record<string, string>> = {}) {
  const [host, port] = address.split(':');
  const sent = request({ host, port, path, headers }).end();
  const response = await new Promise<import('node:http').IncomingMessage>((resolve) => sent.once('response', resolve));
  if (path === '/events' && response.statusCode === 200) {
    response.destroy();
    return { status: 200, headers: response.headers, body: '' };
  }
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

test.each([
  ['localhost', 200],
  ['localhost:9464', 200],
  ['127.0.0.1', 200],
  ['127.9.9.9:1', 200],
  ['[::1]:9464', 200],
  ['evil.example', 421],
  ['evil.example:9464', 421],
  ['localhost.evil.example', 421],
  ['127.0.0.1.evil.example', 421],
  ['10.0.0.1', 421],
])('on loopback, a request to the host %s is answered with %d', async (host, status) => {
  const address = await opsAddress();
  for (const path of ['/', '/metrics', '/events']) expect((await get(address, path, { host })).status).toBe(status);
  expect((await get(address, '/healthz', { host })).status).toBe(200);
});

test.each([
  ['nothing', {}, 401],
  ['the token', { authorization: `Bearer ${TOKEN}` }, 200],
  ['the token, the scheme in small letters', { authorization: `bearer ${TOKEN}` }, 200],
  ['another token', { authorization: `Bearer ${TOKEN}x` }, 401],
  ['the token as the password of a user', { authorization: `Basic ${btoa(`me:${TOKEN}`)}` }, 200],
  ['the token as the name of a user', { authorization: `Basic ${btoa(`${TOKEN}:me`)}` }, 401],
  ['an empty password', { authorization: `Basic ${btoa('me:')}` }, 401],
  ['the token in an unknown scheme', { authorization: `Digest ${TOKEN}` }, 401],
  ['too much', { authorization: `Bearer ${'x'.repeat(5_000)}` }, 401],
])('with a token configured, who shows %s is answered as such', async (_, headers, status) => {
  const address = await opsAddress({ token: TOKEN });
  for (const path of ['/', '/metrics', '/events']) expect((await get(address, path, headers)).status).toBe(status);
  expect((await get(address, '/readyz')).status).toBe(200);
});

test('who is refused is told what to show, by which browsers ask for it', async () => {
  const { headers, body } = await get(await opsAddress({ token: TOKEN }), '/');
  expect(headers['www-authenticate']).toBe('Basic realm="keylease", charset="UTF-8"');
  expect(body).toContain('token of the operations page');
});

test.each(['/', '/metrics', '/healthz', '/nothing'])(
  '%s says that nothing of it is kept, framed, guessed at or told to others',
  async (path) => {
    const { headers } = await get(await opsAddress(), path);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; /);
    expect(headers['content-security-policy']).not.toContain('unsafe');
  },
);

test('an address that other machines reach needs a token, or that somebody calls it insecure', () => {
  const ops = (settings: string, top = '') => parse(minimal({ top: `${top}\nops: { listen: 0.0.0.0:9464${settings} }` }));
  expect(mistakesOf(ops(''))).toEqual([expect.stringContaining('the page asks nobody who looks: give it a `token`')]);
  expect(mustBeGood(ops(`, token: ${TOKEN}`)).warnings).toEqual([]);
  expect(mustBeGood(ops('', 'insecure: true')).warnings).toEqual([expect.stringContaining('insecure: ')]);
  expect(mistakesOf(ops(', token: short'))).toEqual([expect.stringContaining('ops.token: expected at least 16 characters')]);
  expect(mistakesOf(ops(', token: { env: NOT_SET }'))).toEqual([expect.stringContaining('the environment variable NOT_SET is not set')]);
});

test('a token is shown by nothing that prints the configuration', () => {
  const config = mustBeGood(parse(minimal({ top: `ops: { token: ${TOKEN} }` })));
  expect(JSON.stringify(config)).not.toContain(TOKEN);
  expect(JSON.stringify(config)).toContain('[secret ops/token]');
});
