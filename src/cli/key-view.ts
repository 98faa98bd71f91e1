import {
  Dimension,
  dimensionToJSON,
  KeyState,
  type KeyStatus,
  keyStateToJSON,
  type LimitStatus,
  limitSourceToJSON,
  unhealthyReasonToJSON,
} from '../generated/keylease/v1/key.ts';
import { type Column, fields, type Layout, table } from './table.ts';
import { durationMs, number, relative, score, span, word } from './words.ts';

const COLOURS = new Map<KeyState, number>([
  [KeyState.KEY_STATE_AVAILABLE, 32],
  [KeyState.KEY_STATE_COOLDOWN, 33],
  [KeyState.KEY_STATE_UNHEALTHY, 31],
  [KeyState.KEY_STATE_PROBATION, 36],
  [KeyState.KEY_STATE_DRAINING, 35],
]);

/** States that one is in, where the others are what one is. */
const IN_STATES: ReadonlySet<KeyState> = new Set([KeyState.KEY_STATE_COOLDOWN, KeyState.KEY_STATE_PROBATION]);

const DIMENSIONS: readonly (readonly [Dimension, title: string])[] = [
  [Dimension.DIMENSION_REQUESTS, 'requests'],
  [Dimension.DIMENSION_INPUT_TOKENS, 'input'],
  [Dimension.DIMENSION_OUTPUT_TOKENS, 'output'],
  [Dimension.DIMENSION_TOKENS, 'tokens'],
];

export const stateWord = (state: KeyState): string => word('KEY_STATE_', keyStateToJSON(state));
export const reasonWord = (key: KeyStatus): string => word('UNHEALTHY_REASON_', unhealthyReasonToJSON(key.reason));
export const dimensionWord = (dimension: Dimension): string => word('DIMENSION_', dimensionToJSON(dimension));
export const remainingOfLimit = (limit: LimitStatus): string => `${number(limit.remaining)}/${number(limit.limit)}`;

/** A table of keys: a line a key, a column a dimension that any of them has a limit of. */
export function keyTable(keys: readonly KeyStatus[], now: number, layout: Layout): string {
  const known = DIMENSIONS.filter(([dimension]) => keys.some((key) => tightest(key, dimension)));
  const columns: Column<KeyStatus>[] = [
    { title: 'key', importance: 10, cell: (key) => key.keyId },
    {
      title: 'state',
      importance: 9,
      cell: (key) => stateWord(key.state),
      paint: (text, key) => `\x1b[${COLOURS.get(key.state) ?? 39}m${text}\x1b[39m`,
    },
    { title: 'reason', importance: 5, cell: reasonWord },
    { title: 'score', importance: 7, right: true, cell: (key) => score(key.capacityScore) },
    ...known.map(([dimension, title], index) => ({ title, importance: 4 - index / 10, right: true, cell: limitCell(dimension) })),
    { title: 'leases', importance: 3, right: true, cell: (key) => number(key.activeLeases) },
    { title: 'group', importance: 2, cell: (key) => key.limitGroup },
    { title: 'available', importance: 6, cell: (key) => relative(key.availableTime, now) },
  ];
  return keys.length === 0 ? 'No keys.' : table(columns, keys, layout);
}

/** Everything known of one key: its fields, then a table of its limits. */
export function keyDetails(key: KeyStatus, now: number, layout: Layout): string {
  const about = fields([
    ['key', key.keyId],
    ['pool', key.pool],
    ['state', stateWord(key.state)],
    ['reason', reasonWord(key)],
    ['message', key.message],
    ['available', relative(key.availableTime, now)],
    ['score', score(key.capacityScore)],
    ['leases', number(key.activeLeases)],
    ['group', key.limitGroup],
    ['weight', number(key.weight)],
    ['priority', String(key.priority)],
    ['reported', relative(key.lastReportTime, now) || 'never'],
    ['fingerprint', key.fingerprint],
  ]);
  return `${about}\n\n${key.limits.length === 0 ? 'No limit is known yet.' : table(limitColumns(now), key.limits, layout)}`;
}

/** One line about a key, after something was done to it: `team-a is in cooldown (rate limited), available in 16s`. */
export function keySentence(key: KeyStatus, now: number): string {
  const reason = reasonWord(key);
  const again = relative(key.availableTime, now);
  return `${key.keyId} is ${IN_STATES.has(key.state) ? 'in ' : ''}${stateWord(key.state)}${reason && ` (${reason})`}${again && `, available ${again}`}`;
}

function limitColumns(now: number): readonly Column<LimitStatus>[] {
  return [
    { title: 'limit', importance: 9, cell: (limit) => dimensionWord(limit.dimension) },
    { title: 'model class', importance: 5, cell: (limit) => limit.modelClass },
    { title: 'window', importance: 6, cell: (limit) => (limit.window ? span(durationMs(limit.window)) : 'unknown') },
    { title: 'remaining', importance: 8, right: true, cell: remainingOfLimit },
    { title: 'reserved', importance: 4, right: true, cell: (limit) => number(limit.reserved) },
    { title: 'full', importance: 3, cell: (limit) => relative(limit.resetTime, now) },
    { title: 'source', importance: 2, cell: (limit) => word('LIMIT_SOURCE_', limitSourceToJSON(limit.source)) },
  ];
}

function limitCell(dimension: Dimension): (key: KeyStatus) => string {
  return (key) => {
    const limit = tightest(key, dimension);
    return limit ? remainingOfLimit(limit) : '';
  };
}

/** Of several limits on a dimension (windows, model classes), the one with the smallest share left. */
function tightest(key: KeyStatus, dimension: Dimension): LimitStatus | undefined {
  const share = (limit: LimitStatus) => (limit.limit === 0 ? 0 : limit.remaining / limit.limit);
  return key.limits.filter((limit) => limit.dimension === dimension).sort((a, b) => share(a) - share(b))[0];
}
