import { BACKOFFS, backoffMs } from './backoff.ts';
import { longer, strikesAfter } from './block.ts';
import type { Block, Change, Facts, GroupState, KeyConfig, Lease, Reason } from './model.ts';
import { knownKey } from './room.ts';

/** A mark by a holder, for the key of its lease, or by an operator, for any key. */
export interface Mark {
  readonly reason: Reason;
  readonly message: string;
  /** null: the reason's own. */
  readonly cooldownMs: number | null;
  /** The lease that it is evidence from; null: an operator's word. */
  readonly lease: Lease | null;
}

export interface MarkOutcome {
  readonly applied: boolean;
  /** Why not; empty where it was. */
  readonly note: string;
}

/** Takes a key out. Evidence about a secret that was rotated since is refused; a dead credential needs as many holders as the pool asks for. */
export function markUnhealthy(facts: Facts, config: KeyConfig, mark: Mark, random: () => number): { outcome: MarkOutcome; change: Change } {
  const { state: key } = knownKey(facts, config);
  const refuse = (note: string, change: Partial<Change> = {}) => ({
    outcome: { applied: false, note },
    change: { pool: facts.pool.id, ...change },
  });
  if (mark.lease !== null && mark.lease.secretVersion !== key.secretVersion) {
    return refuse('the secret was rotated after that lease was granted: the evidence is about a secret that is gone');
  }
  const witnesses = mark.lease === null ? [] : [...new Set([...key.witnesses, mark.lease.holder])];
  const needsMore = mark.lease !== null && BACKOFFS[mark.reason].kind === 'unhealthy' && witnesses.length < facts.pool.unhealthyAfter;
  if (needsMore) {
    const note = `${witnesses.length} of the ${facts.pool.unhealthyAfter} holders that must say so have`;
    return refuse(note, { keys: [{ ...key, witnesses }] });
  }
  const block = longer(key.block, markBlock(facts, key.block, mark, random), facts.now);
  return { outcome: { applied: true, note: '' }, change: { pool: facts.pool.id, keys: [{ ...key, block, witnesses: [] }] } };
}

/** With a time it is a cooldown, whatever the reason; without one the reason decides. */
function markBlock(facts: Facts, known: Block | null, mark: Mark, random: () => number): Block {
  const { reason, message } = mark;
  const base = { reason, message, since: facts.now, strikes: strikesAfter(known, mark.lease?.acquireTime ?? facts.now), probe: null };
  if (mark.cooldownMs !== null) return { ...base, kind: 'cooldown', until: facts.now + mark.cooldownMs, after: 'free' };
  const waitMs = backoffMs(reason, base.strikes, random);
  const { kind, after } = BACKOFFS[reason];
  return { ...base, kind, until: Number.isFinite(waitMs) ? facts.now + waitMs : null, after };
}

/** Makes a key well, and with it what its limit group suffers from. */
export function markHealthy(facts: Facts, config: KeyConfig): Change {
  const { state: key, group } = knownKey(facts, config);
  const well: GroupState[] = group === undefined || Object.keys(group.blocks).length === 0 ? [] : [{ ...group, blocks: {} }];
  return {
    pool: facts.pool.id,
    keys: [{ ...key, block: null, modelBlocks: {}, concurrency: {}, failures: 0, witnesses: [] }],
    groups: well,
  };
}

/** No new leases on the key, or new ones again. */
export function setDraining(facts: Facts, config: KeyConfig, draining: boolean): Change {
  const { state: key } = knownKey(facts, config);
  return { pool: facts.pool.id, keys: [{ ...key, draining }] };
}
