import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addressesOf, newFolder, type Served, serve } from '../e2e/process.ts';
import { type Connection, connectTo } from '../support/app.ts';
import { type StandInVault, startVault, VAULT_TOKEN } from '../support/vault.ts';
import { type RecordingProxy, startProxy } from './proxy.ts';
import type { Scanner } from './scanner.ts';
import { newCanary } from './shapes.ts';

/** What the scenario is played in: a server whose secrets are canaries, each from another source, and everything it writes to. */
export interface World {
  readonly canaries: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly config: string;
  readonly proxy: RecordingProxy;
  readonly vault: StandInVault;
  /** The keys of the pool called default, the first of which has its secret from the environment. */
  readonly keys: readonly string[];
  /** The lease ids that were told so far: bearer tokens. */
  readonly leaseIds: string[];
  /** Every process that served so far. */
  readonly processes: readonly Served[];
  start(): Promise<Served>;
  connect(): Connection;
  /** Puts other secrets where the file, the credential and Vault are. */
  rotate(): void;
  env(): Record<string, string>;
}

/** `first` is the id of the first key: a test of this test lets it be the secret itself. */
export async function makeWorld({
  first = 'text',
  canaries = newCanaries(),
}: {
  first?: string;
  canaries?: Record<string, string>;
} = {}): Promise<World> {
  const folder = newFolder();
  for (const name of ['credentials', 'sources']) mkdirSync(join(folder, name));
  const [proxy, vault] = [await startProxy(), await startVault()];
  const put = (round: 'first' | 'second') => {
    writeFileSync(join(folder, 'sources/file'), `${canaries[`file, ${round}`]}\n`);
    writeFileSync(join(folder, 'credentials/systemd'), canaries[`credential, ${round}`]!);
    vault.put('secret/data/team', { key: canaries[`vault, ${round}`], other: canaries['vault, not asked for'] });
  };
  put('first');
  const secrets = [
    [first, { env: 'CANARY' }],
    ['file', { file: 'file' }],
    ['systemd', { credential: 'systemd' }],
    ['vault', { vault: { path: 'secret/data/team', field: 'key' } }],
  ];
  const limits = { requests: 5_000, input_tokens: 1_000_000 };
  const content = {
    listen: '127.0.0.1:0',
    ops: { listen: '127.0.0.1:0' },
    store: { kind: 'file', path: join(folder, 'data') },
    audit: { file: join(folder, 'audit.log') },
    log: { level: 'trace' },
    vault: { address: vault.address, token: { env: 'VAULT_TOKEN' } },
    pools: [
      { id: 'default', provider: 'anthropic', keys: secrets.map(([id, secret]) => ({ id, secret, limits })) },
      { id: 'openai', provider: 'openai', keys: [{ id: 'plain', secret: canaries['text in the configuration'] }] },
    ],
  };
  const config = join(folder, 'sources/keylease.yaml');
  writeFileSync(config, JSON.stringify(content));
  const processes: Served[] = [];
  const env = () => ({ CANARY: canaries.variable!, VAULT_TOKEN, CREDENTIALS_DIRECTORY: join(folder, 'credentials') });
  return {
    ...{ canaries, folder, config, proxy, vault, processes, env, leaseIds: [] },
    keys: secrets.map(([id]) => id as string),
    async start() {
      const served = serve(config, env(), ['--record', join(folder, 'record.jsonl')]);
      processes.push(served);
      proxy.target((await addressesOf(served))[0] as string);
      return served;
    },
    connect: () => connectTo(proxy.address),
    rotate: () => put('second'),
  };
}

/** Each secret that the server gets to know, by where it stands. */
export function newCanaries(): Record<string, string> {
  const names = ['file', 'credential', 'vault'].flatMap((source) => [`${source}, first`, `${source}, second`]);
  const canaries = [...names, 'variable', 'text in the configuration', 'vault, not asked for'].map((name, at) => [
    name,
    newCanary(at % 2 === 0 ? '--' : '/+'),
  ]);
  return Object.fromEntries([...canaries, ['token of Vault', VAULT_TOKEN]]);
}

/** Shows the scanner every file that the server writes; more of them are added here. */
export function scanFiles({ folder }: World, scanner: Scanner): void {
  const data = join(folder, 'data');
  for (const name of readdirSync(data)) {
    if (statSync(join(data, name)).isFile()) scanner.scan(`store: ${name}`, readFileSync(join(data, name)));
  }
  scanner.scan('audit', readFileSync(join(folder, 'audit.log')));
  scanner.scan('recording', readFileSync(join(folder, 'record.jsonl')));
}

/** The pages that the operations listener may have; more of them are added here. */
const PAGES = ['/', '/healthz', '/readyz', '/metrics', '/debug', '/config', '/none'];

/** Shows the scanner what the operations listener answers, and the headers of it. */
export async function scanPages(served: Served, scanner: Scanner): Promise<void> {
  const { ops } = await served.logged('keylease serves');
  for (const page of PAGES) {
    const answer = await fetch(`http://${ops}${page}`);
    scanner.scan(`page ${page}`, JSON.stringify([...answer.headers]) + (await answer.text()));
  }
}

/** Shows the scanner what processes printed and what the server sent. */
export function scanTold({ processes, proxy }: World, scanner: Scanner): void {
  for (const { out, err } of processes) {
    scanner.scan('stdout', out());
    scanner.scan('stderr', err());
  }
  for (const { method, told } of proxy.recorded) scanner.scan(method, told);
}
