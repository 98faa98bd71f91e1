import { KeyState, type KeyStatus } from '../generated/keylease/v1/key.ts';
import type { PoolStatus } from '../generated/keylease/v1/pool_admin_service.ts';
import { keyTable } from './key-view.ts';
import { learning } from './pool-view.ts';
import type { Layout } from './table.ts';
import { counted, number, plain } from './words.ts';

/** A pool as one screen shows it. */
export interface PoolShown {
  readonly status: PoolStatus;
  readonly keys: readonly KeyStatus[];
}

/** A screen is no higher than `rows` lines (null: as high as it likes). */
export interface Screen extends Layout {
  readonly rows: number | null;
}

/** Lines of a pool besides its keys: an empty one, its sentence, the titles. */
const LINES_A_POOL = 3;

/** Every pool with its keys, those in trouble first; where there is not enough height, what was left out is counted. */
export function topScreen(server: string, pools: readonly PoolShown[], now: number, screen: Screen): string {
  const rows = screen.rows === null ? Number.POSITIVE_INFINITY : screen.rows - 1 - pools.length * (LINES_A_POOL + 1);
  const each = Math.max(1, Math.floor(rows / Math.max(1, pools.length)));
  const parts = pools.map((pool) => poolPart(pool, each, now, screen));
  return [headline(server, pools), ...parts]
    .join('\n\n')
    .split('\n')
    .slice(0, screen.rows ?? undefined)
    .join('\n');
}

function headline(server: string, pools: readonly PoolShown[]): string {
  const sum = (of: (pool: PoolStatus) => number) => pools.reduce((total, { status }) => total + of(status), 0);
  const keys = `${number(sum((pool) => pool.availableKeys))} of ${counted(
    sum((pool) => pool.keys),
    'key',
  )} available`;
  return `${server}  ${keys}  ${counted(
    sum((pool) => pool.activeLeases),
    'lease',
  )}  ${number(sum((pool) => pool.waiting))} waiting`;
}

function poolPart({ status, keys }: PoolShown, rows: number, now: number, layout: Layout): string {
  const { pool, provider, strategy, availableKeys, activeLeases, waiting } = status;
  const counts = `${number(availableKeys)} of ${counted(status.keys, 'key')} available  ${counted(activeLeases, 'lease')}  ${number(waiting)} waiting`;
  const sentence = [`${plain(pool)} (${plain(provider)}, ${plain(strategy)})`, counts, learning(status, now)].filter(Boolean).join('  ');
  const shown = [...keys].sort(troubledFirst).slice(0, rows);
  const left = status.keys - shown.length;
  return [sentence, keyTable(shown, now, layout), ...(left > 0 ? [`and ${number(left)} more`] : [])].join('\n');
}

/** Keys that are out, then those with the least room; alike ones keep their order. */
function troubledFirst(a: KeyStatus, b: KeyStatus): number {
  return Number(isAvailable(a)) - Number(isAvailable(b)) || a.capacityScore - b.capacityScore;
}

const isAvailable = ({ state }: KeyStatus) => state === KeyState.KEY_STATE_AVAILABLE;
