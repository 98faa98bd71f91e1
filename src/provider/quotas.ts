import type { Dimension, Millis, Observation } from '../pool/upstream.ts';
import type { HeaderReader } from './header-reader.ts';
import { type Parser, parseEpochOrDelta, parseNumber, parseSeconds } from './headers.ts';
import { type Item, parseItemList } from './item-list.ts';

/** One quota as `ratelimit`, `ratelimit-policy` or `ratelimit-limit` tell it. What was left out is null. */
interface Quota {
  readonly name: string | null;
  readonly unit: string | null;
  readonly limit: number | null;
  readonly remaining: number | null;
  readonly resetInMs: number | null;
  readonly windowMs: number | null;
}

const NOTHING: Quota = { name: null, unit: null, limit: null, remaining: null, resetInMs: null, windowMs: null };

const DIMENSION_OF_UNIT: ReadonlyMap<string, Dimension> = new Map([
  ['requests', 'requests'],
  ['tokens', 'tokens'],
  ['input-tokens', 'input_tokens'],
  ['output-tokens', 'output_tokens'],
]);

/** What `ratelimit` with `ratelimit-policy`, and the older `ratelimit-limit`, `-remaining` and `-reset`, say about each window. */
export function readQuotas(reader: HeaderReader): Observation[] {
  const [current, ...listed] = reader.read('ratelimit-limit', parseQuotas) ?? [];
  const policies = [...listed, ...(reader.read('ratelimit-policy', parseQuotas) ?? [])];
  const oldest: Quota = {
    ...(current ?? NOTHING),
    remaining: reader.read('ratelimit-remaining', parseNumber),
    resetInMs: reader.read('ratelimit-reset', parseEpochOrDelta),
  };
  const reported = [...(reader.read('ratelimit', parseQuotas) ?? []), oldest].map((quota) => ({
    quota,
    policy: policyOf(quota, policies),
  }));
  const unreported = policies.filter((candidate) => !reported.some(({ policy }) => policy === candidate));
  return [...reported.map(({ quota, policy }) => completed(quota, policy)), ...unreported].flatMap(observed);
}

const parseQuotas: Parser<readonly Quota[]> = (text, clock) => {
  const quotas = parseItemList(text)?.map((item) => quotaOf(item, clock)) ?? [null];
  return quotas.every((quota) => quota !== null) ? { value: quotas } : { ignored: 'not a list of well-formed quotas' };
};

/** Null: one of its numbers is malformed, or it has none. */
function quotaOf({ quoted, name, params }: Item, clock: Millis): Quota | null {
  const number = (parse: Parser<number>, text: string | undefined) => {
    const parsed = text === undefined ? { value: null } : parse(text, clock);
    return 'value' in parsed ? parsed.value : undefined;
  };
  const bare = !quoted && 'value' in parseNumber(name, clock) ? name : undefined;
  const limit = number(parseNumber, params.get('q') ?? params.get('l') ?? bare);
  const remaining = number(parseNumber, params.get('r'));
  const resetInMs = number(parseSeconds, params.get('t'));
  const windowMs = number(parseSeconds, params.get('w'));
  if (limit === undefined || remaining === undefined || resetInMs === undefined || windowMs === undefined || windowMs === 0) return null;
  if (bare === undefined && !['q', 'l', 'r', 't', 'w'].some((key) => params.has(key))) return null;
  return { name: bare === undefined ? name : null, unit: params.get('qu') ?? null, limit, remaining, resetInMs, windowMs };
}

/** The policy that a quota is about: of the same name, or else of the same limit, or else the only one. */
function policyOf(quota: Quota, policies: readonly Quota[]): Quota | undefined {
  const named = policies.find(({ name }) => name !== null && name === quota.name);
  const equal = policies.find(({ limit }) => limit !== null && limit === quota.limit);
  return named ?? equal ?? (policies.length === 1 ? policies[0] : undefined);
}

function completed(quota: Quota, policy: Quota | undefined): Quota {
  return {
    ...quota,
    unit: quota.unit ?? policy?.unit ?? null,
    limit: quota.limit ?? policy?.limit ?? null,
    windowMs: quota.windowMs ?? policy?.windowMs ?? null,
  };
}

/** Nothing where neither limit nor remaining is told, or the unit is one that is not limited here, such as `content-bytes`. */
function observed({ unit, limit, remaining, resetInMs, windowMs }: Quota): Observation[] {
  const dimension = DIMENSION_OF_UNIT.get(unit ?? 'requests');
  if (!dimension || (limit === null && remaining === null)) return [];
  return [{ dimension, limit, remaining, resetInMs, windowMs, windowNamed: windowMs !== null, refill: 'fixed' }];
}
