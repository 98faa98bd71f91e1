import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Issued, makeAuthority } from '../support/pki.ts';
import { LIARS_POOL } from './attacks/reports.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

/** A server in a process of its own. */
export interface AttackedServer {
  readonly address: string;
  /** PEM of the authority that its certificate is from; undefined: it speaks plaintext. */
  readonly ca?: Buffer;
  isAlive(): boolean;
  /** What it wrote to standard error, where a crash would leave its trace. */
  errors(): string;
  /** MiB of memory now, and the most since the last `forgetPeak`. */
  memory(): { readonly now: number; readonly peak: number };
  forgetPeak(): void;
  stop(): Promise<void>;
}

export type ServerFactory = () => Promise<AttackedServer>;

const keysOf = (...ids: readonly string[]) => ids.map((id) => ({ id, secret: `secret-of-${id}`, max_leases: 1_000_000 }));

const CONFIG = {
  listen: '127.0.0.1:0',
  ops: false,
  store: { kind: 'memory' },
  // What an attack leaves behind must not outlast the look at the memory after it.
  limits: { message_timeout: '2s' },
  log: { level: 'info' },
  pools: [
    { id: 'default', provider: 'anthropic', lease: { ttl: '5s' }, keys: keysOf('a', 'b') },
    { id: LIARS_POOL, provider: 'anthropic', lease: { ttl: '5s' }, keys: keysOf('c', 'd', 'e') },
  ],
};

/** `keylease serve` on a free port of the loopback, with two pools: one for who behaves well, one for liars. */
export const plaintextServer: ServerFactory = () => serverWith();

/** The same over TLS, under an authority of its own. */
export const tlsServer: ServerFactory = async () => {
  const authority = await makeAuthority();
  return serverWith({ ...(await authority.issue()), ca: authority.pem });
};

async function serverWith(pair?: Issued & { readonly ca: string }): Promise<AttackedServer> {
  const folder = mkdtempSync(join(tmpdir(), 'keylease-attack-'));
  const config = join(folder, 'keylease.yaml');
  const tls = pair === undefined ? {} : { tls: { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') } };
  writeFileSync(join(folder, 'cert.pem'), pair?.cert ?? '');
  writeFileSync(join(folder, 'key.pem'), pair?.key ?? '', { mode: 0o600 });
  writeFileSync(config, JSON.stringify({ ...CONFIG, ...tls }));
  const child = spawn(process.execPath, [MAIN, 'serve', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const address = await addressOf(child);
  return {
    address,
    ...(pair === undefined ? {} : { ca: Buffer.from(pair.ca) }),
    isAlive: () => child.exitCode === null && child.signalCode === null,
    errors: () => errors,
    memory: () => memoryOf(child),
    // Linux keeps the peak until it is told to forget it; elsewhere the peak is the one since the start.
    forgetPeak: () => writeFileSync(`/proc/${child.pid}/clear_refs`, '5'),
    stop: async () => {
      child.kill('SIGTERM');
      await closed;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The address that it logs once it serves; its log is read to the end, for a full pipe would hold it up. */
function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let out = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      out = (out + text).slice(-10_000);
      const address = /"listen":\["([^"]+)"/.exec(out)?.[1];
      if (address !== undefined) resolve(address);
    });
    child.once('close', (code) => reject(new Error(`the server ended with ${code} before it served: ${out}`)));
  });
}

function memoryOf({ pid }: ChildProcess): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1_024;
  return { now: mebibytes('VmRSS'), peak: mebibytes('VmHWM') };
}
