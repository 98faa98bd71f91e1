import type { Block, GroupState, KeyState, PoolState } from './model.ts';
import type { Millis, ModelClass } from './upstream.ts';

/** Where a block stands at a time. */
export type Phase = 'over' | 'blocked' | 'probation' | 'probing';

export function phaseOf(block: Block, now: Millis): Phase {
  if (block.until === null || now < block.until) return 'blocked';
  if (block.after === 'free') return 'over';
  return block.probe === null ? 'probation' : 'probing';
}

export type BlockScope = 'key' | 'key_model' | 'limit_group' | 'provider';

/** A block with what it is about. */
export interface ScopedBlock {
  readonly scope: BlockScope;
  /** Empty: every class. */
  readonly modelClass: ModelClass;
  readonly block: Block;
}

/** Every block on a key that is not over, at every scope and for every class. */
export function scopedBlocks(key: KeyState, group: GroupState | undefined, pool: PoolState, now: Millis): readonly ScopedBlock[] {
  const found: ScopedBlock[] = key.block === null ? [] : [{ scope: 'key', modelClass: '', block: key.block }];
  const add = (scope: BlockScope, blocks: Readonly<Record<ModelClass, Block>> = {}) => {
    for (const [modelClass, block] of Object.entries(blocks)) found.push({ scope, modelClass, block });
  };
  add('key_model', key.modelBlocks);
  add('limit_group', group?.blocks);
  add('provider', pool.blocks);
  return found.filter(({ block }) => phaseOf(block, now) !== 'over');
}

/** Whether there is any block to look at: nearly always there is none. */
export function hasBlocks(key: KeyState, group: GroupState | undefined, pool: PoolState): boolean {
  return key.block !== null || !isEmpty(key.modelBlocks) || !isEmpty(pool.blocks) || (group !== undefined && !isEmpty(group.blocks));
}

function isEmpty(record: object): boolean {
  for (const _ in record) return false;
  return true;
}

/** Every block that a lease of the class on this key meets: the key's, its group's and the provider's. The empty class blocks all. */
export function blocksOn(key: KeyState, group: GroupState | undefined, pool: PoolState, modelClass: ModelClass): readonly Block[] {
  const found: Block[] = [];
  const add = (block: Block | null | undefined) => {
    if (block) found.push(block);
  };
  add(key.block);
  for (const record of [key.modelBlocks, group?.blocks, pool.blocks]) {
    if (record === undefined) continue;
    add(record['']);
    if (modelClass !== '') add(record[modelClass]);
  }
  return found;
}

/** One block in the place of two: the end is never brought forward, and an illness does not turn into a cooldown, nor take its reason. */
export function longer(known: Block | null | undefined, newer: Block, now: Millis): Block {
  if (!known || phaseOf(known, now) !== 'blocked') return newer;
  const outlasts = known.until === null || (newer.until !== null && known.until > newer.until);
  const lasting = outlasts ? known : newer;
  const graver = known.kind === newer.kind ? lasting : [known, newer].find(({ kind }) => kind === 'unhealthy');
  return { ...(graver ?? lasting), until: lasting.until, after: worse(known.after, newer.after), strikes: newer.strikes };
}

function worse(a: Block['after'], b: Block['after']): Block['after'] {
  return a === 'probation' || b === 'probation' ? 'probation' : 'free';
}

/** How often in a row it came to this. Evidence that was under way when the block began belongs to the same blow. */
export function strikesAfter(known: Block | null | undefined, evidenceTime: Millis): number {
  if (!known) return 1;
  return evidenceTime >= known.since ? known.strikes + 1 : known.strikes;
}

/** Whether a success proves that a block is over: it was not blocked any more, and the request was sent after it began. */
export function isHealedBy(block: Block, evidenceTime: Millis, now: Millis): boolean {
  return phaseOf(block, now) !== 'blocked' && evidenceTime >= block.since;
}

/** A record of blocks without those that a success proves over. The same object where there are none. */
export function healed(
  blocks: Readonly<Record<ModelClass, Block>>,
  classes: readonly ModelClass[],
  evidenceTime: Millis,
  now: Millis,
): Readonly<Record<ModelClass, Block>> {
  const over = classes.filter((modelClass) => blocks[modelClass] && isHealedBy(blocks[modelClass], evidenceTime, now));
  if (over.length === 0) return blocks;
  return Object.fromEntries(Object.entries(blocks).filter(([modelClass]) => !over.includes(modelClass)));
}

/** The same blocks with a lease taken as the probe of those on probation. The same object where none is. */
export function probed(blocks: Readonly<Record<ModelClass, Block>>, modelClass: ModelClass, leaseId: string, now: Millis) {
  if (isEmpty(blocks)) return blocks;
  let changed = blocks;
  for (const each of new Set(['', modelClass])) {
    const block = blocks[each];
    if (block && phaseOf(block, now) === 'probation') changed = { ...changed, [each]: { ...block, probe: leaseId } };
  }
  return changed;
}

/** The same blocks with this lease no longer their probe. The same object where it was not. */
export function unprobed(blocks: Readonly<Record<ModelClass, Block>>, leaseId: string): Readonly<Record<ModelClass, Block>> {
  if (isEmpty(blocks)) return blocks;
  const taken = Object.entries(blocks).filter(([, block]) => block.probe === leaseId);
  if (taken.length === 0) return blocks;
  return { ...blocks, ...Object.fromEntries(taken.map(([modelClass, block]) => [modelClass, { ...block, probe: null }])) };
}
