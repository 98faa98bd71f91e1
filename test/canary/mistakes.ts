import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '../support/app.ts';
import { command } from './command.ts';
import type { Scanner } from './scanner.ts';
import type { World } from './world.ts';

/** Ways to write a secret where it does not belong. */
const WRONG: readonly ((secret: string) => object | string)[] = [
  (secret) => ({ vault: { address: secret, token: { env: secret } }, pools: [] }),
  (secret) => ({ pools: [{ id: secret, provider: secret, strategy: secret, keys: [{ id: secret, secret: { [secret]: secret } }] }] }),
  (secret) => ({ listen: secret, [secret]: secret, log: { level: secret }, store: { kind: secret }, pools: secret }),
  (secret) => ({ pools: [{ id: 'a', provider: 'openai', base_url: `https://${secret}@x`, keys: [{ id: 'a', secret: { env: secret } }, { id: 'b', secret: { file: secret } }] }] }),
  (secret) => ({ pools: [{ id: 'a', provider: 'openai', keys: [{ id: 'a', secret }, { id: 'b', secret }, { id: 'c', secret: `${secret} ${secret}` }] }] }),
  (secret) => ({ pools: [], store: { kind: 'redis', url: `redis://:${secret}@127.0.0.1:1` }, telemetry: { otlp: { endpoint: `http://user:${secret}@127.0.0.1:1` } }, auth: { jwt: { jwks_url: `https://user:${secret}@x` } } }),
  (secret) => ({ pools: [], store: { kind: 'redis', cluster: [secret], prefix: `${secret} `, timeout: secret, durability: secret, password: { env: secret } }, ops: { listen: secret, token: { env: secret } } }),
  (secret) => ({ pools: [], ops: { token: { [secret]: secret } }, telemetry: { otlp: { endpoint: secret, interval: secret, headers: { authorization: `${secret}\n`, [`${secret} `]: secret } } } }),
  (secret) => ({ pools: [], tls: { cert: secret, key: secret, client_ca: secret, require_client_cert: secret }, auth: { tokens: { file: secret }, mtls: { trust_domain: secret, paths: [`${secret} `] } } }),
  (secret) => ({ pools: [], auth: { jwt: { issuer: 'a', audience: 'b', jwks_file: secret, algorithms: [secret], holder_claim: `${secret} ` }, unix: { holder: `${secret} ` } }, access: [{ holders: [`${secret} `], pools: secret, verbs: [secret], caps: { burst: secret, [secret]: 1 } }] }),
  (secret) => `pools: [${secret}\n  "${secret}`,
  (secret) => `pools:\n- *${secret}\n- !${secret} x\n- \${${secret}}\n`,
]; // biome-ignore format: a row a mistake

/** Asks the command about each. */
export async function wrongConfigurations(world: World, scanner: Scanner): Promise<void> {
  const path = join(world.folder, 'sources/wrong.yaml');
  for (const write of WRONG) {
    const content = write(world.canaries.variable!);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    for (const verb of ['config check', 'doctor --config'])
      scanner.scan('command: wrong configuration', await command(world, [...verb.split(' '), path]));
  }
}

/** The file in force becomes wrong, is reloaded both ways, and comes back. */
export async function reloadOfMistakes(world: World, { admin }: Connection): Promise<void> {
  const good = readFileSync(world.config, 'utf8');
  const [served] = world.processes;
  for (const write of WRONG) {
    const content = write(world.canaries.variable!);
    writeFileSync(world.config, typeof content === 'string' ? content : JSON.stringify(content));
    await admin.reloadConfig({}).catch(() => {});
  }
  served!.process.kill('SIGHUP');
  await served!.logged('the configuration was not reloaded: nothing changed');
  writeFileSync(world.config, good);
}

/** Each file of the guard holds what belongs elsewhere, is read again, and comes back. */
export async function mistakenFiles(world: World, { admin }: Connection, scanner: Scanner): Promise<void> {
  const { papers, serverKey, shown } = world.guard;
  const { token, jwt } = shown;
  const before = (name: string) => readFileSync(join(papers.folder, name), 'utf8');
  const wrong: readonly (readonly [string, string])[] = [
    ['server.pem', serverKey.pem],
    ['server.key', before('server.pem')],
    ['server.key', before('client.key')],
    ['server.key', serverKey.pem.slice(0, 150)],
    ['ca.pem', serverKey.pem],
    ['jwks.json', JSON.stringify({ keys: [serverKey.jwk] })],
    ['jwks.json', jwt],
    ['tokens.yaml', `- ${token}\n`],
    ['tokens.yaml', `${token}\n${jwt}`],
    ['tokens.yaml', `${token}: [ "${token}`],
    ['tokens.yaml', `- { id: "${token}", hash: "${token}", holder: "${token} x", created: "${token}" }\n`],
    ['tokens.yaml', `- { ${token}: 1 }\n- *${token}\n- !${token} x\n`],
  ];
  for (const [name, text] of wrong) {
    const good = before(name);
    papers.write(name, text);
    await admin.reloadConfig({}).catch(() => {});
    for (const verb of [
      ['config', 'check', world.config],
      ['token', 'list', '--file', join(papers.folder, 'tokens.yaml')],
    ])
      scanner.scan('command: wrong files', await command(world, verb));
    papers.write(name, good);
  }
}
