import { StoreLost } from '../store.ts';
import { APPLY_SCRIPT } from './apply-script.ts';
import { type Access, Connection, type Reply } from './connection.ts';
import { JOIN_SCRIPT, LOAD_SCRIPT } from './load-script.ts';
import type { FindPrimary } from './primaries.ts';
import type { Replica } from './replica.ts';
import type { SharedPool } from './shared-pool.ts';

/** The first pause before it is tried again, doubling to the longest; each shortened by up to half, so that replicas do not come at once. */
const RETRY_MS = 50;
const RETRY_MAX_MS = 500;

/** When an answer may leave: at once; when another server has it too; when it is on the primary's disk. */
export type Durability = 'ack' | 'replicated' | 'fsync';

export interface LinkOptions {
  readonly findPrimary: FindPrimary;
  readonly access: Access;
  readonly prefix: string;
  readonly durability: Durability;
  readonly replica: Replica;
  /** Called when it is lost, with the cause, and with null when it is back. */
  readonly onHealth: (cause: Error | null) => void;
}

interface Up {
  readonly connection: Connection;
  /** Tells one run of a server from every other. */
  readonly run: string;
  readonly scripts: { readonly apply: string; readonly load: string; readonly join: string };
  readonly heartbeat: NodeJS.Timeout;
}

/** The way to the primary of some pools: found anew, and the pools read anew, whenever it was lost. */
export class Link {
  readonly #with: LinkOptions;
  readonly #pools = new Map<string, SharedPool>();
  #up: Up | null = null;
  #retryTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: LinkOptions) {
    this.#with = options;
  }

  get isUp(): boolean {
    return this.#up !== null;
  }

  /** Adds a pool, which can be read once this is done. */
  async add(pool: SharedPool): Promise<void> {
    this.#pools.set(pool.id, pool);
    if (this.#up === null) await this.#connect();
    else await this.#join(this.#up, pool);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
    if (this.#up !== null) await Promise.all([...this.#pools.values()].map((pool) => pool.idle()));
    this.#drop(new StoreLost('the store is closed'));
  }

  async #connect(): Promise<void> {
    const { findPrimary, access, prefix } = this.#with;
    const [tag] = this.#pools.keys();
    const endpoint = await findPrimary(`${tag}`);
    const connection = await Connection.open(endpoint, access, (cause) => this.#lose(connection, cause));
    try {
      const up = { ...(await this.#greet(connection)), connection, heartbeat: this.#beat(connection) };
      for (const pool of this.#pools.values()) await this.#join(up, pool);
      if (this.#isClosed) throw new StoreLost('the store is closed');
      this.#up = up;
    } catch (cause) {
      connection.close();
      for (const pool of this.#pools.values()) pool.lose(lostBy(cause as Error, prefix));
      throw cause;
    }
  }

  async #greet(connection: Connection): Promise<Pick<Up, 'run' | 'scripts'>> {
    const [role, info, apply, load, join]: Reply[] = await Promise.all([
      connection.send('ROLE'),
      connection.send('INFO', 'server'),
      ...[APPLY_SCRIPT, LOAD_SCRIPT, JOIN_SCRIPT].map((script) => connection.send('SCRIPT', 'LOAD', script)),
    ]);
    if (role[0] !== 'master') throw new Error(`the server is a ${role[0]}, not the primary`);
    const run = /^run_id:(\w+)/m.exec(String(info))?.[1];
    if (run === undefined) throw new Error('the server does not tell its run_id');
    return { run, scripts: { apply, load, join } };
  }

  /** From the subscription on nothing is missed; what the loaded records contain already is dropped by its number. */
  async #join({ connection, run, scripts }: Pick<Up, 'connection' | 'run' | 'scripts'>, pool: SharedPool): Promise<void> {
    const { prefix, durability } = this.#with;
    const base = `${prefix}:{${pool.id}}:`;
    const keys = ['meta', 'versions', 'state', 'keys', 'groups', 'leases', 'requests'].map((name) => base + name);
    const call = (sha: string, args: readonly string[]) => connection.send('EVALSHA', sha, String(keys.length), ...keys, ...args);
    const early: Buffer[] = [];
    let heard = (message: Buffer): void => {
      early.push(message);
    };
    await connection.subscribe(`${base}changes`, (message) => heard(message));
    await call(scripts.join, [run]);
    await durableOn(connection, durability, this.#with.access.timeoutMs);
    const lose = (cause: Error) => this.#lose(connection, cause);
    pool.open(
      {
        apply: ([epoch, now, tolerance, origin, ...changes]) => {
          const reply = call(scripts.apply, [`${epoch}`, `${now}`, `${tolerance}`, `${origin}`, `${base}changes`, ...changes]);
          const durable = durableOn(connection, durability, this.#with.access.timeoutMs);
          Promise.all([reply, durable]).catch(lose);
          return { reply, durable: Promise.all([reply, durable]).then(() => {}) };
        },
        lose,
      },
      await call(scripts.load, []),
    );
    heard = (message) => pool.hear(message);
    for (const message of early) pool.hear(message);
  }

  /** Asks for the time, so that a primary that is gone is noticed while nothing else is asked. */
  #beat(connection: Connection): NodeJS.Timeout {
    const ask = async () => {
      const [seconds, micros]: Reply = await connection.send('TIME');
      this.#with.replica.time.hear(Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000));
    };
    return setInterval(() => void ask().catch((cause: Error) => this.#lose(connection, cause)), this.#with.access.timeoutMs / 2).unref();
  }

  #lose(connection: Connection, cause: Error): void {
    connection.close();
    if (this.#up?.connection !== connection) return;
    this.#drop(lostBy(cause, this.#with.prefix));
    this.#with.onHealth(cause);
    this.#retry(RETRY_MS);
  }

  #drop(cause: StoreLost): void {
    clearInterval(this.#up?.heartbeat);
    this.#up?.connection.close();
    this.#up = null;
    for (const pool of this.#pools.values()) pool.lose(cause);
  }

  #retry(delayMs: number): void {
    if (this.#isClosed) return;
    const again = () => {
      this.#connect().then(
        () => this.#with.onHealth(null),
        () => this.#retry(Math.min(delayMs * 2, RETRY_MAX_MS)),
      );
    };
    this.#retryTimer = setTimeout(again, delayMs * (1 - Math.random() / 2));
  }
}

function lostBy(cause: Error, prefix: string): StoreLost {
  return new StoreLost(`the store at ${prefix} does not answer as it must: ${cause.message}`, { cause });
}

/** Waits until what was sent before on the connection is as durable as it is meant to be; throws where it is not in time. */
async function durableOn(connection: Connection, durability: Durability, timeoutMs: number): Promise<void> {
  if (durability === 'ack') return;
  const within = String(Math.ceil(timeoutMs * 0.8));
  const reply: Reply =
    durability === 'replicated' ? await connection.send('WAIT', '1', within) : await connection.send('WAITAOF', '1', '0', within);
  const count = durability === 'replicated' ? Number(reply) : Number(reply[0]);
  if (count < 1)
    throw new Error(durability === 'replicated' ? 'no other server took the write in time' : 'the write is not on disk in time');
}
