import { blocksOn, hasBlocks, phaseOf } from './block.ts';
import { concurrencyOf, leasesUnderWay } from './concurrency.ts';
import { demandOn, neededOn } from './demand.ts';
import { heldOn } from './hold.ts';
import { type Expiry, earliestFit, fits, roomAt } from './meter.ts';
import type { Facts, GroupState, KeyConfig, KeyState, Lease, Meter, WantedDemand } from './model.ts';
import { configuredMeter } from './observe.ts';
import type { Millis, ModelClass } from './upstream.ts';

/** Why a key is passed over. */
export type PassedOver =
  | 'draining'
  | 'unhealthy'
  | 'cooldown'
  | 'probation'
  | 'excluded'
  | 'max_leases'
  | 'demand_exceeds_limit'
  | 'no_room';

/** What is asked of every key. */
export interface Ask {
  readonly wanted: WantedDemand;
  readonly modelClass: ModelClass;
  readonly excluded: ReadonlySet<string>;
}

/** A key with all that is known of it. */
export interface KnownKey {
  readonly config: KeyConfig;
  readonly state: KeyState;
  readonly group: GroupState | undefined;
}

/** A key that was never used stands on its own or in the limit group it was given. */
export function freshKey(config: KeyConfig): KeyState {
  return {
    id: config.id,
    version: 0,
    fingerprint: config.fingerprint,
    secretVersion: 1,
    account: null,
    group: config.limitGroup ?? config.id,
    block: null,
    modelBlocks: {},
    concurrency: {},
    draining: false,
    failures: 0,
    witnesses: [],
    activeLeases: 0,
    lastGrant: 0,
    lastReportTime: null,
  };
}

export function knownKey(facts: Facts, config: KeyConfig): KnownKey {
  const state = facts.key(config.id) ?? freshKey(config);
  return { config, state, group: facts.group(state.group) };
}

/** The meters that a configuration states, made once for each key. */
const configured = new WeakMap<KeyConfig, readonly Meter[]>();

function configuredMeters(config: KeyConfig): readonly Meter[] {
  let meters = configured.get(config);
  if (meters === undefined) {
    meters = config.limits.map(configuredMeter);
    configured.set(config, meters);
  }
  return meters;
}

/** The meters of a group for a class; before anything was reserved or learnt, those that the configuration states. */
export function metersOf(group: GroupState | undefined, config: KeyConfig, modelClass: ModelClass): readonly Meter[] {
  return group?.meters[modelClass] ?? configuredMeters(config);
}

/** Why the key cannot take this demand now; null: it can. The one rule of what "has room" means. */
export function passedOver(facts: Facts, key: KnownKey, ask: Ask): PassedOver | null {
  if (key.state.draining) return 'draining';
  const blocked = blockedBy(facts, key, ask.modelClass);
  if (blocked !== null) return blocked;
  if (ask.excluded.has(key.config.id)) return 'excluded';
  if ((facts.grantsFrom ?? 0) > facts.now) return 'no_room';
  if (key.state.activeLeases >= key.config.leasesMax || isBusy(facts, key, ask.modelClass)) return 'max_leases';
  const meters = metersOf(key.group, key.config, ask.modelClass);
  const demand = demandOn(ask.wanted, meters);
  let short: PassedOver | null = null;
  for (const meter of meters) {
    const amount = neededOn(meter.dimension, demand, ask.wanted);
    if (amount > meter.limit) return 'demand_exceeds_limit';
    if (!fits(meter, amount, facts.now)) short = 'no_room';
  }
  return short;
}

function blockedBy(facts: Facts, key: KnownKey, modelClass: ModelClass): 'unhealthy' | 'cooldown' | 'probation' | null {
  let found: 'cooldown' | 'probation' | null = null;
  if (!hasBlocks(key.state, key.group, facts.state)) return null;
  for (const block of blocksOn(key.state, key.group, facts.state, modelClass)) {
    const phase = phaseOf(block, facts.now);
    if (phase === 'blocked' && block.kind === 'unhealthy') return 'unhealthy';
    if (phase === 'blocked') found = 'cooldown';
    if (phase === 'probing' && found === null) found = 'probation';
  }
  return found;
}

/** Whether as many leases of the class are under way as the provider was learnt to bear. */
function isBusy(facts: Facts, key: KnownKey, modelClass: ModelClass): boolean {
  const most = concurrencyOf(key.state, modelClass);
  return Number.isFinite(most) && leasesUnderWay(facts, key.config.id, modelClass).length >= most;
}

/** Whether the demand is more than a limit of this key even when it is full: waiting cannot help. */
export function exceededLimit(key: KnownKey, ask: Ask): { meter: Meter; amount: number } | undefined {
  const meters = metersOf(key.group, key.config, ask.modelClass);
  const demand = demandOn(ask.wanted, meters);
  for (const meter of meters) {
    const amount = neededOn(meter.dimension, demand, ask.wanted);
    if (amount > meter.limit) return { meter, amount };
  }
  return undefined;
}

/** The earliest moment at which the key has room for this demand if nothing is reported or given back before; null: none is known. */
export function roomTime(facts: Facts, key: KnownKey, ask: Ask): Millis | null {
  if (key.state.draining || ask.excluded.has(key.config.id)) return null;
  let time: Millis | null = Math.max(facts.now, facts.grantsFrom ?? 0);
  const atLeast = (other: Millis | null) => {
    time = time === null || other === null ? null : Math.max(time, other);
  };
  for (const block of blocksOn(key.state, key.group, facts.state, ask.modelClass)) {
    if (phaseOf(block, facts.now) === 'blocked') atLeast(block.until);
    if (phaseOf(block, facts.now) === 'probing') atLeast(facts.lease(block.probe ?? '')?.expireTime ?? facts.now);
  }
  const { id, leasesMax } = key.config;
  if (key.state.activeLeases >= leasesMax) atLeast(leaseRoomTime(facts, [...facts.leasesOfKey(id)], leasesMax));
  const most = concurrencyOf(key.state, ask.modelClass);
  if (Number.isFinite(most)) atLeast(leaseRoomTime(facts, leasesUnderWay(facts, id, ask.modelClass), most));
  const meters = metersOf(key.group, key.config, ask.modelClass);
  const demand = demandOn(ask.wanted, meters);
  for (const meter of meters) atLeast(meterRoomTime(facts, key, meter, neededOn(meter.dimension, demand, ask.wanted), ask.modelClass));
  return time;
}

/** When enough of the leases have ended by themselves for one more, where at most so many may be under way. */
function leaseRoomTime(facts: Facts, leases: readonly Lease[], most: number): Millis {
  const surplus = leases.length - most;
  if (surplus < 0) return facts.now;
  const ends = leases.map(({ expireTime }) => expireTime).sort((a, b) => a - b);
  return Math.max(facts.now, ends[surplus] ?? facts.now);
}

function meterRoomTime(facts: Facts, key: KnownKey, meter: Meter, amount: number, modelClass: ModelClass): Millis | null {
  if (fits(meter, amount, facts.now)) return facts.now;
  const needsExpiries = meter.limit - meter.reserved < amount;
  return earliestFit(meter, amount, facts.now, needsExpiries ? expiriesOn(facts, key, meter, modelClass) : []);
}

function expiriesOn(facts: Facts, key: KnownKey, meter: Meter, modelClass: ModelClass): Expiry[] {
  const ofClass = (lease: Lease) => lease.modelClass === modelClass;
  return [...facts.leasesOfGroup(key.state.group)]
    .filter(ofClass)
    .map((lease) => ({ time: lease.expireTime, amount: heldOn(meter, lease, facts.pool.provider.counting) }))
    .sort((a, b) => a.time - b.time);
}

/** The meter with the least room for this demand, in proportion to its limit; undefined: no limit is known. */
export function bindingMeter(facts: Facts, key: KnownKey, ask: Ask): Meter | undefined {
  const meters = metersOf(key.group, key.config, ask.modelClass);
  const demand = demandOn(ask.wanted, meters);
  const slack = (meter: Meter) => (roomAt(meter, facts.now) - neededOn(meter.dimension, demand, ask.wanted)) / meter.limit;
  return meters.reduce<Meter | undefined>(
    (least, meter) => (least === undefined || slack(meter) < slack(least) ? meter : least),
    undefined,
  );
}
