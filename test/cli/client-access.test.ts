import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keyOf, onePool } from '../support/app.ts';
import { type AuthApp, GUARDED, makePapers, type Papers, startWithPapers } from '../support/auth-app.ts';
import { uri } from '../support/pki.ts';
import { runCli } from './run-cli.ts';

const OPERATOR = 'spiffe://acme.test/ns/ops/sa/operator';

let papers: Papers;
let started: AuthApp;
let token: string;
const at = (name: string) => join(papers.folder, name);

beforeAll(async () => {
  papers = await makePapers();
  token = papers.addToken('operator');
  writeFileSync(at('token'), `${token}\n`);
  const { cert, key } = await papers.authority.issue({ names: [uri(OPERATOR)] });
  writeFileSync(at('client.pem'), cert);
  writeFileSync(at('client.key'), key);
  started = await startWithPapers(papers, {
    ...onePool([keyOf('a')]),
    ...GUARDED,
    access: [{ holders: ['operator', OPERATOR], verbs: ['admin'] }],
  });
});

afterAll(async () => {
  await started.app.close();
  papers.remove();
});

const pools = (args: readonly string[], env: Record<string, string> = {}) =>
  runCli(['--server', started.app.addresses[0] as string, ...args, 'pools'], { env });

test.each<[string, () => { args: string[]; env?: Record<string, string> }]>([
  ['a token in a file', () => ({ args: ['--tls-ca', at('ca.pem'), '--token-file', at('token')] })],
  ['a token in the environment', () => ({ args: ['--tls-ca', at('ca.pem')], env: { KEYLEASE_TOKEN: token } })],
  ['a certificate', () => ({ args: ['--tls-ca', at('ca.pem'), '--tls-cert', at('client.pem'), '--tls-key', at('client.key')] })],
  [
    'everything from the environment',
    () => ({ args: [], env: { KEYLEASE_TLS_CA: at('ca.pem'), KEYLEASE_TLS_CERT: at('client.pem'), KEYLEASE_TLS_KEY: at('client.key') } }),
  ],
])('an operator gets in with %s', async (_, how) => {
  const { args, env } = how();
  const { code, out } = await pools(args, env);
  expect([code, out]).toEqual([0, expect.stringContaining('default')]);
});

test('the command says nothing but its answer, also to an address with TLS', () => {
  const args = ['--server', started.app.addresses[0] as string, '--tls-ca', at('ca.pem'), '--token-file', at('token'), 'pools'];
  const main = new URL('../../src/main.ts', import.meta.url).pathname;
  return expect(promisify(execFile)(process.execPath, [main, ...args])).resolves.toEqual({
    stdout: expect.stringContaining('default'),
    stderr: '',
  });
});

test('nobody gets in with nothing, and is told what the server wants', async () => {
  const { code, err } = await pools(['--tls-ca', at('ca.pem')]);
  expect(code).toBe(1);
  expect(err).toContain('this server wants to know who calls: send a client certificate or a token');
});

test.each<[string, () => string[], Record<string, string>, RegExp]>([
  [
    'a certificate without its key',
    () => ['--tls-ca', at('ca.pem'), '--tls-cert', at('client.pem')],
    {},
    /^--tls-cert and --tls-key go together\n$/,
  ],
  [
    'a certificate without the authority of the server',
    () => ['--tls-cert', at('client.pem'), '--tls-key', at('client.key')],
    {},
    /^--tls-cert needs --tls-ca/,
  ],
  ['a file that is not there', () => ['--token-file', at('none')], {}, /none of --token-file cannot be read: ENOENT\n$/],
  ['a token in two words', () => [], { KEYLEASE_TOKEN: 'a b' }, /^the token is empty, or has white space/],
  [
    'files that are not PEM',
    () => ['--tls-ca', at('ca.pem'), '--tls-cert', at('token'), '--tls-key', at('token')],
    {},
    /are not PEM, or do not belong together\n$/,
  ],
])('%s is a mistake of use', async (_, args, env, message) => {
  const { code, err } = await pools(args(), env);
  expect(code).toBe(2);
  expect(err).toMatch(message);
});

test('a token is not sent to another machine in plain text', async () => {
  const { code, err } = await runCli(['--server', '192.0.2.1:1', 'pools'], { env: { KEYLEASE_TOKEN: token } });
  expect([code, err]).toEqual([2, 'the token would travel to 192.0.2.1:1 in plain text: add --tls-ca\n']);
});

test('a server that TLS does not trust is told apart from one that is not there', async () => {
  expect((await pools(['--tls-ca', at('client.pem')])).err).toContain('that TLS trusts (see --tls-ca');
});
