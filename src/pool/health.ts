import { BACKOFFS, backoffMs } from './backoff.ts';
import { healed, isHealedBy, longer, phaseOf, strikesAfter } from './block.ts';
import type { Block, GroupState, KeyState, PoolState, Reason } from './model.ts';
import type { Judgement, Millis, ModelClass, Verdict, VerdictScope } from './upstream.ts';

/** Server errors and lost responses in a row after which a key is passed over for a while. */
const BREAKER_FAILURES = 5;

/** The records that a verdict can act on. */
export interface Patient {
  readonly key: KeyState;
  readonly group: GroupState;
  readonly pool: PoolState;
}

/** What a report says and who says it. */
export interface Evidence {
  readonly judgement: Judgement;
  readonly modelClass: ModelClass;
  readonly holder: string;
  /** When the request was sent. */
  readonly time: Millis;
  /** For a person to read, without anything from the response body. */
  readonly message: string;
  /** When the emptied limit has room again for such a request; null: none is known to be empty. */
  readonly roomTime: Millis | null;
}

/** What is passed over because of the evidence, and until when; null: nothing is, or no end is known. */
export interface Diagnosis {
  readonly patient: Patient;
  readonly scope: VerdictScope;
  readonly until: Millis | null;
}

const REASONS: Readonly<Partial<Record<Verdict, Reason>>> = {
  rate_limited: 'rate_limited',
  overloaded: 'overloaded',
  invalid_credential: 'invalid_credential',
  billing: 'billing',
  forbidden: 'permission_denied',
  server_error: 'server_error',
  no_response: 'no_response',
};

/** Applies a verdict. A cooldown is only ever extended, and a success ends only what was over or on probation. */
export function diagnose(patient: Patient, evidence: Evidence, unhealthyAfter: number, now: Millis, random: () => number): Diagnosis {
  const { verdict, scope } = evidence.judgement;
  if (verdict === 'ok') return { patient: recovered(patient, evidence, now), scope: 'request', until: null };
  const reason = REASONS[verdict];
  if (reason === undefined) return { patient, scope: 'request', until: null };
  if (reason === 'server_error' || reason === 'no_response') return failed(patient, evidence, reason, now, random);
  if (reason === 'invalid_credential') return witnessed(patient, evidence, unhealthyAfter, now, random);
  return blocked(patient, scope, evidence, reason, now, random);
}

function recovered({ key, group, pool }: Patient, { modelClass, time }: Evidence, now: Millis): Patient {
  const classes = ['', modelClass];
  return {
    key: {
      ...key,
      failures: 0,
      witnesses: [],
      block: key.block !== null && isHealedBy(key.block, time, now) ? null : key.block,
      modelBlocks: healed(key.modelBlocks, classes, time, now),
    },
    group: keepSame(group, healed(group.blocks, classes, time, now)),
    pool: keepSame(pool, healed(pool.blocks, classes, time, now)),
  };
}

/** A breaker: single failures are the request's bad luck, many in a row are the key's, and a failed probe is enough. */
function failed(patient: Patient, evidence: Evidence, reason: Reason, now: Millis, random: () => number): Diagnosis {
  const failures = patient.key.failures + 1;
  const counted: Patient = { ...patient, key: { ...patient.key, failures } };
  if (failures < BREAKER_FAILURES && !isOnProbation(patient.key, now)) return { patient: counted, scope: 'request', until: null };
  const rested: Patient = { ...patient, key: { ...patient.key, failures: 0 } };
  return blocked(rested, 'key', evidence, reason, now, random);
}

/** A dead credential takes the key out once enough distinct holders have seen it; one holder alone cannot, if so configured. */
function witnessed(patient: Patient, evidence: Evidence, unhealthyAfter: number, now: Millis, random: () => number): Diagnosis {
  const witnesses = [...new Set([...patient.key.witnesses, evidence.holder])];
  if (witnesses.length < unhealthyAfter && !isOnProbation(patient.key, now)) {
    return { patient: { ...patient, key: { ...patient.key, witnesses } }, scope: 'request', until: null };
  }
  return blocked({ ...patient, key: { ...patient.key, witnesses: [] } }, 'key', evidence, 'invalid_credential', now, random);
}

function isOnProbation({ block }: KeyState, now: Millis): boolean {
  return block !== null && block.after === 'probation' && phaseOf(block, now) !== 'blocked';
}

function blocked(patient: Patient, scope: VerdictScope, evidence: Evidence, reason: Reason, now: Millis, random: () => number): Diagnosis {
  const { key, group, pool } = patient;
  const { modelClass } = evidence;
  const ofClass = reason === 'billing' ? '' : modelClass;
  const extend = (known: Block | null | undefined) => longer(known, newBlock(known, evidence, reason, now, random), now);
  switch (scope) {
    case 'request':
      return { patient, scope, until: null };
    case 'key': {
      const block = extend(key.block);
      return { patient: { ...patient, key: { ...key, block } }, scope, until: block.until };
    }
    case 'key_model': {
      const block = extend(key.modelBlocks[modelClass]);
      return {
        patient: { ...patient, key: { ...key, modelBlocks: { ...key.modelBlocks, [modelClass]: block } } },
        scope,
        until: block.until,
      };
    }
    case 'limit_group': {
      const block = extend(group.blocks[ofClass]);
      return { patient: { ...patient, group: { ...group, blocks: { ...group.blocks, [ofClass]: block } } }, scope, until: block.until };
    }
    case 'provider': {
      const block = extend(pool.blocks[modelClass]);
      return { patient: { ...patient, pool: { ...pool, blocks: { ...pool.blocks, [modelClass]: block } } }, scope, until: block.until };
    }
    default:
      return scope satisfies never;
  }
}

/** The provider's own word on the wait comes first, then the emptied limit's reset, then the back-off. */
function newBlock(known: Block | null | undefined, evidence: Evidence, reason: Reason, now: Millis, random: () => number): Block {
  const strikes = strikesAfter(known, evidence.time);
  const { waitMs } = evidence.judgement;
  const roomTime = reason === 'rate_limited' ? evidence.roomTime : null;
  const until = waitMs !== null ? now + waitMs : (roomTime ?? now + backoffMs(reason, strikes, random));
  const { kind, after } = BACKOFFS[reason];
  return { kind, reason, message: evidence.message, since: now, until, after, strikes, probe: null };
}

function keepSame<T extends { readonly blocks: Readonly<Record<string, Block>> }>(record: T, blocks: T['blocks']): T {
  return blocks === record.blocks ? record : { ...record, blocks };
}
