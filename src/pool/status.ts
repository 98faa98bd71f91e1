import { type BlockScope, blocksOn, phaseOf, scopedBlocks } from './block.ts';
import { concurrencyOf, leasesUnderWay } from './concurrency.ts';
import { fullTime, remainingAt } from './meter.ts';
import type { Block, Facts, KeyConfig, Meter, Reason } from './model.ts';
import { type KnownKey, knownKey, metersOf } from './room.ts';
import { capacityScore } from './score.ts';
import type { Dimension, Millis, ModelClass } from './upstream.ts';

export type KeyStateName = 'available' | 'cooldown' | 'unhealthy' | 'probation' | 'draining';

/** One limit as people and programs see it. */
export interface LimitView {
  readonly dimension: Dimension;
  readonly modelClass: ModelClass;
  /** null: not known. */
  readonly windowMs: number | null;
  readonly limit: number;
  readonly remaining: number;
  readonly reserved: number;
  readonly resetTime: Millis | null;
  readonly source: 'configured' | 'learned';
}

/** A limit that nobody tells, as it was learnt. */
interface ConcurrencyView {
  readonly modelClass: ModelClass;
  readonly limit: number;
  readonly underWay: number;
}

/** One thing in the way of leasing a key. */
export interface BlockView extends Standing {
  readonly scope: BlockScope;
  readonly modelClass: ModelClass;
}

/** One key as people and programs see it. */
export interface KeyView {
  readonly pool: string;
  readonly config: KeyConfig;
  readonly fingerprint: string;
  readonly limitGroup: string;
  readonly state: KeyStateName;
  readonly reason: Reason | null;
  readonly message: string;
  /** When it will next be considered; null: now, or no moment is known. */
  readonly availableTime: Millis | null;
  readonly score: number;
  readonly activeLeases: number;
  readonly limits: readonly LimitView[];
  readonly lastReportTime: Millis | null;
  readonly concurrency: readonly ConcurrencyView[];
  readonly blocks: readonly BlockView[];
}

interface Standing {
  readonly state: KeyStateName;
  readonly reason: Reason | null;
  readonly message: string;
  readonly availableTime: Millis | null;
}

const WELL: Standing = { state: 'available', reason: null, message: '', availableTime: null };

/** From the best standing to the worst. */
const STATES: readonly KeyStateName[] = ['available', 'probation', 'cooldown', 'unhealthy', 'draining'];

/** The key as it stands for a model class; null: for the class of models for which it stands best. */
export function keyView(facts: Facts, config: KeyConfig, modelClass: ModelClass | null): KeyView {
  const key = knownKey(facts, config);
  const classes = modelClass === null ? classesOf(facts, key) : [modelClass];
  const standing = key.state.draining ? draining(key) : classes.map((each) => standingOf(facts, key, each)).reduce(better);
  const passedOver = standing.state !== 'available' && standing.state !== 'probation';
  return {
    pool: facts.pool.id,
    config,
    fingerprint: config.fingerprint,
    limitGroup: key.state.group,
    ...standing,
    score: passedOver ? 0 : Math.min(...classes.map((each) => capacityScore(metersOf(key.group, config, each), facts.now))),
    activeLeases: key.state.activeLeases,
    limits: limitsOf(facts, key),
    lastReportTime: key.state.lastReportTime,
    concurrency: concurrencyViews(facts, key),
    blocks: blockViews(facts, key),
  };
}

/** The classes that are known for a key, because something was reserved, learnt or blocked for them. */
function classesOf(facts: Facts, key: KnownKey): readonly ModelClass[] {
  const records = [key.group?.meters, key.group?.blocks, key.state.modelBlocks, facts.state.blocks];
  const known = new Set(records.flatMap((record) => Object.keys(record ?? {})));
  if (known.size > 1) known.delete('');
  return known.size === 0 ? [''] : [...known];
}

function draining(key: KnownKey): Standing {
  return { state: 'draining', reason: 'operator', message: `draining, ${key.state.activeLeases} leases out`, availableTime: null };
}

function standingOf(facts: Facts, key: KnownKey, modelClass: ModelClass): Standing {
  return blocksOn(key.state, key.group, facts.state, modelClass)
    .map((block) => standingUnder(block, facts.now))
    .reduce(worse, WELL);
}

function standingUnder(block: Block, now: Millis): Standing {
  const phase = phaseOf(block, now);
  if (phase === 'over') return WELL;
  const { reason, message } = block;
  if (phase === 'blocked') return { state: block.kind, reason, message, availableTime: block.until };
  return { state: 'probation', reason, message, availableTime: null };
}

/** Of two things in the way the worse one counts, and of two alike the one that ends later. */
function worse(a: Standing, b: Standing): Standing {
  const difference = STATES.indexOf(a.state) - STATES.indexOf(b.state);
  if (difference !== 0) return difference > 0 ? a : b;
  return endOf(a) >= endOf(b) ? a : b;
}

function better(a: Standing, b: Standing): Standing {
  return worse(a, b) === a ? b : a;
}

function endOf({ availableTime }: Standing): number {
  return availableTime ?? Number.POSITIVE_INFINITY;
}

function limitsOf(facts: Facts, key: KnownKey): readonly LimitView[] {
  const known = Object.entries(key.group?.meters ?? {});
  const classes: [ModelClass, readonly Meter[]][] = known.length > 0 ? known : [['', metersOf(key.group, key.config, '')]];
  return classes.flatMap(([modelClass, meters]) => meters.map((meter) => limitView(meter, modelClass, facts.now)));
}

/** Everything in the way of a key, at every scope. */
export function blockViews(facts: Facts, { state, group }: KnownKey): readonly BlockView[] {
  const { now, state: pool } = facts;
  return scopedBlocks(state, group, pool, now).map(({ scope, modelClass, block }) => ({ scope, modelClass, ...standingUnder(block, now) }));
}

function concurrencyViews(facts: Facts, { state, config }: KnownKey): readonly ConcurrencyView[] {
  return Object.keys(state.concurrency).map((modelClass) => ({
    modelClass,
    limit: concurrencyOf(state, modelClass),
    underWay: leasesUnderWay(facts, config.id, modelClass).length,
  }));
}

/** A meter in whole units: what is left is rounded down, what is held is rounded up. */
export function limitView(meter: Meter, modelClass: ModelClass, now: Millis): LimitView {
  return {
    dimension: meter.dimension,
    modelClass,
    windowMs: meter.windowKnown ? meter.windowMs : null,
    limit: Math.floor(meter.limit),
    remaining: Math.floor(remainingAt(meter, now)),
    reserved: Math.ceil(meter.reserved),
    resetTime: fullTime(meter, now),
    source: meter.source,
  };
}

/** Every key of the pool in the order of the configuration. */
export function keyViews(facts: Facts): readonly KeyView[] {
  return facts.pool.keys.map((config) => keyView(facts, config, null));
}
