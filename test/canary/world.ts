import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addressesOf, newFolder, type Served, serve } from '../e2e/process.ts';
import { type Connection, connectTo } from '../support/app.ts';
import { type StandInVault, startVault, VAULT_TOKEN } from '../support/vault.ts';
import { type RecordingCollector, startRecordingCollector } from './collector.ts';
import { type Guard, makeGuard } from './papers.ts';
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
  readonly collector: RecordingCollector;
  readonly guard: Guard;
  /** The keys of the pool called default, the first of which has its secret from the environment. */
  readonly keys: readonly string[];
  /** The lease ids that were told so far: bearer tokens. */
  readonly leaseIds: string[];
  /** Every process that served so far. */
  readonly processes: readonly Served[];
  start(): Promise<Served>;
  /** Where the server listens that was started last. */
  direct(): string;
  connect(): Connection;
  /** Puts other secrets where the file, the credential and Vault are. */
  rotate(): void;
  env(): Record<string, string>;
}

/** `first` is the id of the first key, and the holder of the tokens: a test of this test lets it be the secret itself. */
export async function makeWorld({
  first = 'text',
  canaries: own = newCanaries(),
}: {
  first?: string;
  canaries?: Record<string, string>;
} = {}): Promise<World> {
  const folder = newFolder();
  for (const name of ['credentials', 'sources']) mkdirSync(join(folder, name));
  const guard = await makeGuard(first);
  const canaries = { ...own, ...guard.canaries };
  const [proxy, vault, collector] = [await startProxy(guard.tls), await startVault(), await startRecordingCollector()];
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
    ...guard.sections,
    ops: { listen: '127.0.0.1:0', token: { env: 'OPS_TOKEN' } },
    telemetry: { otlp: { endpoint: collector.endpoint, headers: { authorization: { env: 'OTLP_TOKEN' } }, interval: '1s' } },
    store: { kind: 'file', path: join(folder, 'data') },
    audit: { file: join(folder, 'audit.log') },
    log: { level: 'trace', calls: 'all' },
    vault: { address: vault.address, token: { env: 'VAULT_TOKEN' } },
    pools: [
      { id: 'default', provider: 'anthropic', keys: secrets.map(([id, secret]) => ({ id, secret, limits })) },
      { id: 'openai', provider: 'openai', keys: [{ id: 'plain', secret: canaries['text in the configuration'] }] },
    ],
  };
  const config = join(folder, 'sources/keylease.yaml');
  writeFileSync(config, JSON.stringify(content));
  const processes: Served[] = [];
  const env = () => ({
    ...{ CANARY: canaries.variable!, VAULT_TOKEN, CREDENTIALS_DIRECTORY: join(folder, 'credentials') },
    ...{ OPS_TOKEN: canaries['token of the page']!, OTLP_TOKEN: canaries['header of OTLP']! },
  });
  let address = '';
  return {
    ...{ canaries, folder, config, proxy, vault, collector, guard, processes, env, leaseIds: [] },
    keys: secrets.map(([id]) => id as string),
    async start() {
      const served = serve(config, env(), ['--record', join(folder, 'record.jsonl')]);
      processes.push(served);
      address = (await addressesOf(served))[0] as string;
      proxy.target(address);
      return served;
    },
    direct: () => address.replace('127.0.0.1', 'localhost'),
    connect: () => connectTo(proxy.address),
    rotate: () => put('second'),
  };
}

/** Each secret that the server gets to know, by where it stands. */
export function newCanaries(): Record<string, string> {
  const names = ['file', 'credential', 'vault'].flatMap((source) => [`${source}, first`, `${source}, second`]);
  const others = [
    'variable',
    'text in the configuration',
    'vault, not asked for',
    'token of the page',
    'header of OTLP',
    'password of Redis',
  ];
  const canaries = [...names, ...others].map((name, at) => [name, newCanary(at % 2 === 0 ? '--' : '/+')]);
  return Object.fromEntries([...canaries, ['token of Vault', VAULT_TOKEN]]);
}

/** Shows the scanner every file that the server writes; more of them are added here. */
export function scanFiles({ folder, guard }: World, scanner: Scanner): void {
  const data = join(folder, 'data');
  for (const name of readdirSync(data)) {
    if (statSync(join(data, name)).isFile()) scanner.scan(`store: ${name}`, readFileSync(join(data, name)));
  }
  scanner.scan('audit', readFileSync(join(folder, 'audit.log')));
  scanner.scan('recording', readFileSync(join(folder, 'record.jsonl')));
  scanner.scan('file of tokens', readFileSync(join(guard.papers.folder, 'tokens.yaml')));
}

/** The pages that the operations listener may have; more of them are added here. */
const PAGES = ['/', '/healthz', '/readyz', '/metrics', '/debug', '/config', '/none'];

/** Shows the scanner what the operations listener answers, and the headers of it, to whoever shows its token, another or none. */
export async function scanPages({ canaries }: World, served: Served, scanner: Scanner): Promise<void> {
  const { ops } = await served.logged('keylease serves');
  const token = canaries['token of the page']!;
  const basic = Buffer.from(`user:${token}`).toString('base64');
  for (const authorization of [`Bearer ${token}`, `Basic ${basic}`, `Bearer ${token}x`, token, '']) {
    for (const page of PAGES) {
      const answer = await fetch(`http://${ops}${page}`, { headers: { authorization } });
      scanner.scan(`page ${page}`, JSON.stringify([...answer.headers]) + (await answer.text()));
    }
  }
  for (const pool of ['default', 'openai']) {
    const answer = await fetch(`http://${ops}/events?pool=${pool}`, { headers: { authorization: `Bearer ${token}` } });
    scanner.scan('page /events', JSON.stringify([...answer.headers]) + (await firstEvent(answer)));
  }
}

/** What an answer that never ends has told when its first event is there. */
async function firstEvent({ body }: Response): Promise<string> {
  let told = '';
  for await (const text of body!.pipeThrough(new TextDecoderStream())) {
    told += text;
    if (/^data: .*\n\n/m.test(told)) return told;
  }
  throw new Error(`there was no event: ${told}`);
}

/** Shows the scanner what processes printed, and what the server sent to callers and to the collector. */
export function scanTold({ processes, proxy, collector }: World, scanner: Scanner): void {
  for (const { out, err } of processes) {
    scanner.scan('stdout', out());
    scanner.scan('stderr', err());
  }
  for (const { method, told } of proxy.recorded) scanner.scan(method, told);
  for (const { path, told } of collector.sent) scanner.scan(`OTLP: ${path}`, told);
}
