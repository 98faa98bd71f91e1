import type { Millis } from '../../pool/upstream.ts';
import { StoreLost } from '../store.ts';
import type { Access, Connection, Reply } from './connection.ts';
import { type Call, joinPool, SCRIPTS, standingOf, WHOLE } from './join.ts';
import { findPrimary, openAt, type Place } from './primaries.ts';
import { reasonOf } from './reasons.ts';
import type { Replica } from './replica.ts';
import type { Line, SharedPool } from './shared-pool.ts';
import { Word } from './word.ts';

/** The first pause before it is tried again, doubling to the longest; each shortened by up to half, so that replicas do not come at once. */
const RETRY_MS = 50;
const RETRY_MAX_MS = 500;

/** What a pool is kept in, in the order in which the scripts get them. */
const HASHES = ['meta', 'versions', 'state', 'keys', 'groups', 'leases', 'requests', 'usage', 'replicas', 'missing'];

/** When an answer may leave: at once; when another server has it too; when it is on the primary's disk. */
export type Durability = 'ack' | 'replicated' | 'fsync';

export interface LinkOptions {
  readonly place: Place;
  readonly access: Access;
  readonly prefix: string;
  readonly durability: Durability;
  readonly replica: Replica;
  /** Whether what was answered survives whatever happens to the servers. */
  readonly losesNothing: boolean;
  /** How long a store that was never written is left alone by a replica that knows nothing. */
  readonly emptyMs: number;
  /** Called when it is lost, with the cause, and with null when it is back. */
  readonly onHealth: (cause: Error | null) => void;
  /** Called when it did not come back either, with what is wrong and what to do. */
  readonly onStillLost: (reason: string) => void;
}

type Shas = Readonly<Record<keyof typeof SCRIPTS, string>>;

interface Up {
  readonly connection: Connection;
  /** Tells one run of a server from every other. */
  readonly run: string;
  readonly shas: Shas;
  /** Null: nobody replaces the server while it takes writes. */
  readonly word: Word | null;
}

/** How much longer it may take to move a pool whole. */
const WHOLE_TIMES = 10;

/** How often each pool gives a sign of life and hears how it stands. */
const BEAT_MS = 1_000;

/** The way to the primary of some pools: found anew, and the pools read anew, whenever it was lost. */
export class Link {
  readonly #with: LinkOptions;
  readonly #pools = new Map<string, SharedPool>();
  #up: Up | null = null;
  /** When its pools were last in step with a primary, by the store's time. */
  #lostAt: Millis = 0;
  #retryTimer: NodeJS.Timeout | undefined;
  #timers: readonly NodeJS.Timeout[] = [];
  #isClosed = false;

  constructor(options: LinkOptions) {
    this.#with = options;
  }

  get isUp(): boolean {
    return this.#up !== null;
  }

  /** Adds pools, which can be read once this is done. */
  async add(pools: readonly SharedPool[]): Promise<void> {
    if (this.#up === null && this.#retryTimer !== undefined) throw new StoreLost('the store is lost');
    for (const pool of pools) this.#pools.set(pool.id, pool);
    const up = this.#up;
    try {
      if (up === null) await this.#connect();
      else await Promise.all(pools.map((pool) => this.#join(up, pool)));
    } catch (cause) {
      for (const { id } of pools) this.#pools.delete(id);
      throw cause instanceof StoreLost
        ? cause
        : new StoreLost(`the store is lost: ${reasonOf(cause as Error, this.#with.access)}`, { cause });
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
    const up = this.#up;
    if (up !== null) await Promise.allSettled([...this.#pools.values()].map((pool) => this.#leave(up, pool)));
    this.#drop(new StoreLost('the store is closed'));
  }

  async #leave(up: Up, pool: SharedPool): Promise<void> {
    await pool.idle();
    await this.#caller(up, pool)('leave', [this.#with.replica.id]);
  }

  async #connect(): Promise<void> {
    const { place, access } = this.#with;
    const [tag] = this.#pools.keys();
    // Logins may be renewed while it is asked again and again.
    const find = () => findPrimary(place, this.#with.access, `${tag}`);
    const word = place.kind === 'sentinel' ? await Word.of(find, access.timeoutMs) : null;
    const connection = await openAt(place, access, word?.server ?? (await find()), (cause) => this.#lose(connection, cause));
    // From now on, as joining may take longer than a word counts.
    const renewing = this.#every(access.timeoutMs / 2, () => this.#renew(connection, word));
    try {
      const up = { ...(await this.#greet(connection)), connection, word };
      await Promise.all([...this.#pools.values()].map((pool) => this.#join(up, pool)));
      if (this.#isClosed) throw new StoreLost('the store is closed');
      this.#up = up;
      this.#timers = [renewing, this.#every(access.timeoutMs / 2, () => this.#askTime(up)), this.#every(BEAT_MS, () => this.#beat(up))];
    } catch (cause) {
      clearInterval(renewing);
      connection.close();
      this.#loseAll(lostBy(cause as Error));
      throw cause;
    }
  }

  async #greet(connection: Connection): Promise<Pick<Up, 'run' | 'shas'>> {
    const names = Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[];
    const [role, info, ...shas]: Reply[] = await Promise.all([
      connection.send('ROLE'),
      connection.send('INFO', 'server'),
      ...names.map((name) => connection.send('SCRIPT', 'LOAD', SCRIPTS[name])),
    ]);
    if (role[0] !== 'master') throw new Error(`the server is a ${role[0]}, not the primary`);
    const run = /^run_id:(\w+)/m.exec(String(info))?.[1];
    if (run === undefined) throw new Error('the server does not tell its run_id');
    return { run, shas: Object.fromEntries(names.map((name, place) => [name, String(shas[place])])) as Shas };
  }

  #caller({ connection, shas }: Pick<Up, 'connection' | 'shas'>, pool: SharedPool): Call {
    const keys = HASHES.map((name) => `${this.#base(pool)}${name}`);
    const { timeoutMs } = this.#with.access;
    return (script, args) => {
      const words = ['EVALSHA', shas[script], `${keys.length}`, ...keys, ...args];
      return connection.run(words, WHOLE.has(script) ? WHOLE_TIMES * timeoutMs : timeoutMs);
    };
  }

  #base(pool: SharedPool): string {
    return `${this.#with.prefix}:{${pool.id}}:`;
  }

  /** From the subscription on nothing is missed; what the loaded records contain already is dropped by its number. */
  async #join(up: Up, pool: SharedPool): Promise<void> {
    const { durability, access, replica, losesNothing, emptyMs } = this.#with;
    const { connection, run, word } = up;
    const channel = `${this.#base(pool)}changes`;
    const call = this.#caller(up, pool);
    const early: Buffer[] = [];
    let heard = (message: Buffer): void => {
      early.push(message);
    };
    await connection.subscribe(channel, (message) => heard(message));
    const options = {
      run,
      replica: replica.id,
      leaseMaxMs: pool.leaseMaxMs,
      graceMs: word?.validMs ?? 0,
      lostAt: this.#lostAt,
      losesNothing,
      emptyMs,
    };
    const { loaded, standing } = await joinPool(call, pool.memory, options);
    const durable = () => durableOn(connection, durability, access.timeoutMs);
    await durable();
    const lose = (cause: Error) => this.#lose(connection, cause);
    const apply: Line['apply'] = (head, changes) => {
      const reply = call('apply', [...head, channel, ...changes]);
      const both = Promise.all([reply, durable()]).then(() => word?.check());
      both.catch(lose);
      return { reply, durable: both };
    };
    pool.open({ apply, lose }, loaded, standing);
    heard = (message) => pool.hear(message);
    for (const message of early) pool.hear(message);
  }

  #every(periodMs: number, ask: () => Promise<void>): NodeJS.Timeout {
    return setInterval(() => void ask(), periodMs).unref();
  }

  /** So that a primary that is gone is noticed while nothing else is asked. */
  async #askTime({ connection }: Up): Promise<void> {
    try {
      const [seconds, micros]: Reply = await connection.send('TIME');
      this.#with.replica.time.hear(Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000));
    } catch (cause) {
      this.#lose(connection, cause as Error);
    }
  }

  async #renew(connection: Connection, word: Word | null): Promise<void> {
    try {
      await word?.renew();
    } catch (cause) {
      this.#lose(connection, cause as Error);
    }
  }

  async #beat(up: Up): Promise<void> {
    try {
      const beats = [...this.#pools.values()].map(async (pool) => ({
        pool,
        told: await this.#caller(up, pool)('beat', [this.#with.replica.id]),
      }));
      for (const { pool, told } of await Promise.all(beats)) pool.stand(standingOf(told));
    } catch (cause) {
      this.#lose(up.connection, cause as Error);
    }
  }

  #lose(connection: Connection, cause: Error): void {
    connection.close();
    if (this.#up?.connection !== connection) return;
    this.#drop(lostBy(cause));
    this.#with.onHealth(cause);
    this.#retry(RETRY_MS);
  }

  #drop(cause: StoreLost): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#up?.connection.close();
    this.#up = null;
    this.#loseAll(cause);
  }

  #loseAll(cause: StoreLost): void {
    this.#lostAt = this.#with.replica.time.now();
    for (const pool of this.#pools.values()) pool.lose(cause);
  }

  #retry(delayMs: number): void {
    if (this.#isClosed) return;
    const again = () => {
      this.#connect().then(
        () => this.#with.onHealth(null),
        (cause: Error) => {
          this.#with.onStillLost(reasonOf(cause, this.#with.access));
          this.#retry(Math.min(delayMs * 2, RETRY_MAX_MS));
        },
      );
    };
    this.#retryTimer = setTimeout(again, delayMs * (1 - Math.random() / 2));
  }
}

function lostBy(cause: Error): StoreLost {
  return new StoreLost(`the store is lost: ${cause.message}`, { cause });
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
