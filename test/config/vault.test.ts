import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { RedisSettings } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { ConfigReading } from '../../src/config/parse.ts';
import { revealSecret } from '../../src/config/secret.ts';
import { makeAuthority } from '../support/pki.ts';
import { type StandInVault, startVault, VAULT_TOKEN } from '../support/vault.ts';
import { KNOWN, mistakesOf, mustBeGood } from './support.ts';

interface Written {
  readonly vault?: unknown;
  readonly secrets: readonly unknown[];
  readonly store?: unknown;
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string>;
}

/** Loads a file with one key for each of the secrets. */
function load({ vault, secrets, store = { kind: 'memory' }, env = {}, files = {} }: Written): Promise<ConfigReading> {
  const folder = mkdtempSync(join(tmpdir(), 'keylease-vault-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const keys = secrets.map((secret, at) => ({ id: `k${at}`, secret }));
  const content = { ...(vault === undefined ? {} : { vault }), store, pools: [{ id: 'default', provider: 'anthropic', keys }] };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(content));
  return loadConfig(join(folder, 'config.json'), { TOKEN: VAULT_TOKEN, CREDENTIALS_DIRECTORY: folder, ...env }, KNOWN);
}

const revealed = (reading: ConfigReading) => mustBeGood(reading).pools[0]!.keys.map(({ secret }) => revealSecret(secret));
const settings = ({ address }: StandInVault, more: object = {}) => ({ address, token: { env: 'TOKEN' }, ...more });
const at = (path: string, field = 'key') => ({ vault: { path, field } });
const told = (reading: ConfigReading) => mistakesOf(reading).map((mistake) => mistake.replace(/^\d+:\d+ /, ''));

test('secrets are read from both versions of KV, each path once', async () => {
  const vault = await startVault();
  vault.put('secret/data/team/a', { key: 'sk-a', other: 'sk-o' });
  vault.put('kv/b', { key: 'sk-b' });
  const secrets = [at('secret/data/team/a'), at('secret/data/team/a', 'other'), at('kv/b')];
  expect(revealed(await load({ vault: settings(vault, { namespace: 'team' }), secrets }))).toEqual(['sk-a', 'sk-o', 'sk-b']);
  expect(vault.asked.map(({ url }) => url).sort()).toEqual(['/v1/kv/b', '/v1/secret/data/team/a']);
  expect(vault.asked[0]!.headers).toMatchObject({ 'x-vault-namespace': 'team', 'x-vault-request': 'true' });
});

test('the passwords of the store may be there', async () => {
  const vault = await startVault();
  vault.put('kv/b', { key: 'sk-b', servers: 'p-servers', sentinels: 'p-sentinels' });
  const sentinels = { name: 'main', hosts: ['h:26379'], password: at('kv/b', 'sentinels') };
  const store = { kind: 'redis', sentinels, password: at('kv/b', 'servers') };
  const read = mustBeGood(await load({ vault: settings(vault), secrets: ['sk-a'], store })).store as RedisSettings;
  expect([read.password, read.sentinels?.password].map((password) => revealSecret(password!))).toEqual(['p-servers', 'p-sentinels']);
});

test('a field of version 1 may be called data', async () => {
  const vault = await startVault();
  vault.put('kv/b', { data: 'sk-b' });
  expect(revealed(await load({ vault: settings(vault), secrets: [at('kv/b', 'data')] }))).toEqual(['sk-b']);
});

test.each([
  ['a variable', { env: 'TOKEN' }],
  ['a file', { file: 'token' }],
  ['a credential', { credential: 'token' }],
])('the token may come from %s', async (_, token) => {
  const vault = await startVault();
  vault.put('kv/b', { key: 'sk-b' });
  const reading = await load({ vault: { ...settings(vault), token }, secrets: [at('kv/b')], files: { token: `${VAULT_TOKEN}\n` } });
  expect(revealed(reading)).toEqual(['sk-b']);
});

test('without a key that is in Vault nobody asks', async () => {
  const vault = await startVault();
  expect(revealed(await load({ vault: settings(vault), secrets: ['sk-a'] }))).toEqual(['sk-a']);
  expect(vault.asked).toEqual([]);
});

const BEHIND = 'sk-behind-9Xw2';

test.each<[string, (vault: StandInVault) => void, string]>([
  ['has nothing there', () => {}, 'Vault has nothing there (404): in KV version 2 the path has data/ after the mount, and a deleted version is none'],
  ['refuses', (vault) => vault.answer('kv/b', 403, BEHIND), 'Vault refuses (403): the token has expired, or may not read this path'],
  ['is sealed', (vault) => vault.answer('kv/b', 503, BEHIND), 'Vault is sealed or in maintenance (503)'],
  ['fails', (vault) => vault.answer('kv/b', 500, BEHIND), 'Vault answers with status 500'],
  ['has no such field', (vault) => vault.put('kv/b', { other: BEHIND }), 'the secret in Vault has no such field'],
  ['has a field of an object', (vault) => vault.put('kv/b', { key: { other: BEHIND } }), 'the field of the secret in Vault is not text'],
  ['has an empty field', (vault) => vault.put('kv/b', { key: '' }), 'the secret is empty'],
  ['has a field of two lines', (vault) => vault.put('kv/b', { key: `${BEHIND}\nx` }), 'the secret has white space, control characters or letters beyond ASCII'],
  ['answers with no JSON', (vault) => vault.answer('kv/b', 200, BEHIND), 'Vault answers with something that is no secret'],
  ['answers with no data', (vault) => vault.answer('kv/b', 200, `{"x":"${BEHIND}"}`), 'Vault answers with something that is no secret'],
  ['answers with data of null', (vault) => vault.answer('kv/b', 200, '{"data":{"data":null,"metadata":{}}}'), 'Vault answers with something that is no secret'],
  ['answers with more than 1 MiB', (vault) => vault.answer('kv/b', 200, BEHIND.repeat(100_000)), 'Vault cannot be reached: the answer is longer than 1 MiB'],
  ['does not answer', (vault) => vault.hang('kv/b'), 'Vault did not answer within 300 ms'],
])('Vault that %s is a mistake at the path, without anything secret', async (_, prepare, problem) => {
  const vault = await startVault();
  prepare(vault);
  const mistakes = told(await load({ vault: settings(vault, { timeout: '300ms' }), secrets: [at('kv/b')] }));
  expect(mistakes).toEqual([`pools[0].keys[0].secret.vault.path: ${problem}`]);
  expect(mistakes.join()).not.toMatch(/sk-behind|hvs/);
}); // biome-ignore format: a row a problem

test('a token that Vault does not know is a mistake without the token', async () => {
  const vault = await startVault();
  vault.put('kv/b', { key: BEHIND });
  const mistakes = told(await load({ vault: settings(vault), secrets: [at('kv/b')], env: { TOKEN: 'hvs.other' } }));
  expect(mistakes).toEqual(['pools[0].keys[0].secret.vault.path: Vault refuses (403): the token has expired, or may not read this path']);
});

test('a redirect is not followed, so the token goes nowhere else', async () => {
  const [vault, other] = [await startVault(), await startVault()];
  other.put('kv/b', { key: 'sk-b' });
  vault.answer('kv/b', 307, '', { location: `${other.address}/v1/kv/b` });
  const mistakes = told(await load({ vault: settings(vault), secrets: [at('kv/b')] }));
  expect(mistakes).toEqual([expect.stringContaining('Vault sends elsewhere (307)')]);
  expect(other.asked).toEqual([]);
});

test('nobody at the address is a mistake', async () => {
  const vault = { address: 'http://127.0.0.1:1', token: { env: 'TOKEN' } };
  expect(told(await load({ vault, secrets: [at('kv/b')] }))).toEqual([
    'pools[0].keys[0].secret.vault.path: Vault cannot be reached: ECONNREFUSED',
  ]);
});

test('a certificate is believed only where its authority is named', async () => {
  const authority = await makeAuthority();
  const vault = await startVault(await authority.issue());
  vault.put('kv/b', { key: 'sk-b' });
  const files = { 'ca.pem': authority.pem };
  const secrets = [at('kv/b')];
  expect(revealed(await load({ vault: settings(vault, { ca: 'ca.pem' }), secrets, files }))).toEqual(['sk-b']);
  expect(told(await load({ vault: settings(vault), secrets }))).toEqual([
    expect.stringMatching(/Vault cannot be reached: [A-Z_]+ \(vault\.ca names/),
  ]);
  expect(vault.asked).toHaveLength(1);
});

const NOT_ASKED = 'pools[0].keys[0].secret.vault.path: Vault was not asked: `vault` at the top is missing or has mistakes';

test.each<[string, unknown, string[]]>([
  ['there are no settings', undefined, []],
  ['the address is in the clear', { address: 'http://vault.example', token: { env: 'TOKEN' } }, ['vault.address: expected https: the key would cross the network in the clear']],
  ['the token stands in the file', { address: 'https://vault.example', token: 'hvs.told' }, ['vault.token: expected a mapping, found text']],
  ['the token has two sources', { address: 'https://vault.example', token: { env: 'TOKEN', file: 'x' } }, ['vault.token: expected one of env, file and credential']],
  ['the token is in Vault', { address: 'https://vault.example', token: at('kv/a') }, ["vault.token.vault: unknown key: known are env, file, credential", 'vault.token: expected one of env, file and credential']],
  ['the token is not there', { address: 'https://vault.example', token: { env: 'NONE' } }, ['vault.token.env: the environment variable NONE is not set']],
  ['the authority is not there', { address: 'https://vault.example', token: { env: 'TOKEN' }, ca: 'none.pem' }, ['vault.ca: the file cannot be read: there is no such file']],
])('where %s, Vault is not asked', async (_, vault, mistakes) => {
  const found = told(await load({ vault, secrets: [at('kv/b')] }));
  expect(found.toSorted()).toEqual([...mistakes, NOT_ASKED].toSorted());
  expect(found.join()).not.toContain('hvs');
}); // biome-ignore format: a row a mistake

test.each([
  ['a credential of systemd', { credential: 'team-a' }, []],
  ['a credential that is not there', { credential: 'none' }, ['pools[0].keys[0].secret.credential: the file cannot be read: there is no such file']],
  ['a credential elsewhere', { credential: '../team-a' }, ['pools[0].keys[0].secret.credential: expected the name of a credential: letters, digits, dots, underscores, hyphens']],
])('%s', async (_, secret, mistakes) => {
  expect(told(await load({ secrets: [secret], files: { 'team-a': 'sk-a\n' } }))).toEqual(mistakes);
}); // biome-ignore format: a row a credential

test('without systemd there are no credentials', async () => {
  const reading = await load({ secrets: [{ credential: 'team-a' }], env: { CREDENTIALS_DIRECTORY: undefined as unknown as string } });
  expect(told(reading)).toEqual([expect.stringContaining('CREDENTIALS_DIRECTORY is not set')]);
});

test.each(['/kv/b', 'kv', 'kv/../b', 'kv//b', 'kv/b?version=1', 'kv/b c'])('%s is no path of Vault', async (path) => {
  const mistakes = told(await load({ vault: { address: 'https://vault.example', token: { env: 'TOKEN' } }, secrets: [at(path)] }));
  expect(mistakes).toEqual(['pools[0].keys[0].secret.vault.path: expected a path as in secret/data/team-a, the mount first']);
});
