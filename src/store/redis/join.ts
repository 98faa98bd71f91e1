import { setTimeout as sleep } from 'node:timers/promises';
import type { Millis } from '../../pool/upstream.ts';
import { APPLY_SCRIPT } from './apply-script.ts';
import type { Reply } from './connection.ts';
import { BEAT_SCRIPT, JOIN_SCRIPT, LEAVE_SCRIPT, LOAD_SCRIPT, RESTORE_SCRIPT, SETTLE_SCRIPT } from './epoch-scripts.ts';

/** Every script by the name that it is called by here. */
export const SCRIPTS = {
  apply: APPLY_SCRIPT,
  join: JOIN_SCRIPT,
  restore: RESTORE_SCRIPT,
  settle: SETTLE_SCRIPT,
  beat: BEAT_SCRIPT,
  leave: LEAVE_SCRIPT,
  load: LOAD_SCRIPT,
} as const;

/** Scripts that move a pool whole take longer than others. */
export const WHOLE: ReadonlySet<string> = new Set<keyof typeof SCRIPTS>(['restore', 'load']);

/** Calls a script with the keys of one pool. */
export type Call = (script: keyof typeof SCRIPTS, args: readonly string[]) => Promise<Reply>;

/** How long a new epoch waits for the replicas that it misses, before any of them may write. */
const WINDOW_MS = 1_000;

const LOOK_AGAIN_MS = 50;

export interface Standing {
  readonly epoch: number;
  readonly time: Millis;
  /** Nothing is granted before: there may be grants that the store has forgotten. 0: none is missed. */
  readonly grantsFrom: Millis;
  /** When each replica gave its last sign of life. */
  readonly signs: readonly (readonly [replica: string, time: Millis])[];
}

/** What a replica knows of a pool from before. */
export interface Memory {
  /** 0: it knows nothing. */
  readonly epoch: number;
  readonly sequence: number;
  /** Kind, id, stamp and record of everything that the store confirmed. */
  readonly records: () => readonly string[];
}

export interface JoinOptions {
  readonly run: string;
  readonly replica: string;
  /** The longest that a lease lasts. */
  readonly leaseMaxMs: number;
  /** How long a replica may go on granting on a server that was replaced. */
  readonly graceMs: number;
  /** It has answered no grant since. */
  readonly lostAt: Millis;
  /** Whether what was answered survives whatever happens to the store. */
  readonly losesNothing: boolean;
  /** How long a store that was never written is left alone by a replica that knows nothing. */
  readonly emptyMs: number;
}

/** How often it is begun again where another epoch has begun meanwhile, as one does when a replica comes that knows more. */
const JOINS_MAX = 5;

/**
 * Joins a pool: says what this replica knows, puts back what the store has lost, and waits for those who may know more. Answers what the
 * store has then, and until when nothing may be granted.
 */
export async function joinPool(call: Call, memory: Memory, options: JoinOptions): Promise<{ loaded: Reply; standing: Standing }> {
  for (let times = 0; times < JOINS_MAX; times += 1) {
    const { epoch, told } = await enter(call, memory, options);
    const loaded = await call('load', [`${epoch}`]);
    if (loaded[0] !== '') return { loaded, standing: standingOf(told) };
  }
  throw new Error('one epoch after the other has begun');
}

/** Answers once the epoch is open, or is over. */
async function enter(call: Call, memory: Memory, options: JoinOptions): Promise<{ epoch: number; told: Reply }> {
  const { run, replica, leaseMaxMs, graceMs, lostAt, losesNothing, emptyMs } = options;
  const known = [memory.epoch, memory.sequence].map(String);
  const waits = [`${WINDOW_MS}`, `${leaseMaxMs + graceMs}`, losesNothing ? '1' : '0', `${emptyMs}`];
  const [epoch, , kept] = await call('join', [run, replica, ...known, ...waits]);
  const isLost = memory.epoch > 0 && memory.sequence > kept;
  const isRestored = isLost && (await call('restore', [`${epoch}`, ...known, ...memory.records()])) === 1;
  let told: Reply = await call('settle', [replica, `${isLost && !isRestored ? lostAt + leaseMaxMs : 0}`]);
  while (told[0] === epoch && told[2] > told[1]) {
    await sleep(Math.min(LOOK_AGAIN_MS, told[2] - told[1]));
    told = await call('beat', [replica]);
  }
  return { epoch, told };
}

export function standingOf([epoch, time, , grantsFrom, told]: Reply): Standing {
  return { epoch, time, grantsFrom, signs: pairs(told).map(([replica, sign]) => [String(replica), Number(sign)]) };
}

/** A reply that lists names and values in turn. */
export function pairs(reply: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let at = 0; at < reply.length; at += 2) found.push([reply[at] as string, reply[at + 1] as string]);
  return found;
}
