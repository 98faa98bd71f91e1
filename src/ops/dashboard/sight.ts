import type { PoolConfig } from '../../pool/model.ts';
import type { KeyStateName, KeyView } from '../../pool/status.ts';
import type { BadReport } from '../../service/counts.ts';
import { type PoolSurvey, survey } from '../../service/survey.ts';
import type { Sights } from '../metrics/metrics.ts';
import type { PoolRates, Rates } from './rates.ts';

/** What the page shows of every pool. Times are in milliseconds since the epoch. */
interface PoolSight extends PoolSurvey {
  readonly id: string;
  readonly provider: string;
  readonly strategy: string;
  readonly keys: number;
  readonly waiting: number;
}

/** What it shows of the pool that is looked at. */
interface PoolDetail extends PoolRates {
  readonly id: string;
  readonly views: readonly KeyView[];
  readonly badReports: readonly BadReport[];
}

/** One look at everything. */
export interface Sight {
  readonly now: number;
  readonly isStoreUp: boolean;
  readonly generation: number;
  readonly pools: readonly PoolSight[];
  readonly details: ReadonlyMap<string, PoolDetail>;
}

/** Looks at all pools, and closely at some of them. */
export async function look(sights: Sights, rates: Rates, closely: ReadonlySet<string>): Promise<Sight> {
  const pools: PoolSight[] = [];
  const details = new Map<string, PoolDetail>();
  for (const pool of sights.isStoreUp() ? sights.pools.all() : []) {
    const views: KeyView[] = [];
    const isClose = closely.has(pool.id);
    const seen = await survey(sights.store, pool, (view) => isClose && views.push(view));
    pools.push({ ...seen, ...about(pool), waiting: sights.waiting.size(pool.id) });
    if (isClose) details.set(pool.id, { id: pool.id, views, badReports: sights.counts.badReports(pool.id), ...rates.of(pool.id) });
  }
  const { generation } = sights.generations;
  return { now: sights.store.now(), isStoreUp: sights.isStoreUp(), generation, pools, details };
}

function about({ id, provider, strategy, keys }: PoolConfig) {
  return { id, provider: provider.name, strategy: strategy.name, keys: keys.length };
}

/** Keys that one page shows. */
const KEYS_ON_PAGE_MAX = 120;

const INTEREST: readonly KeyStateName[] = ['unhealthy', 'cooldown', 'probation', 'draining', 'available'];

/** The keys that a filter leaves, in the order of the configuration; of too many those in which something is wrong come first. */
export function filtered(views: readonly KeyView[], filter: string): { matched: number; shown: readonly KeyView[] } {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const matching = words.length === 0 ? views : views.filter((view) => words.every((word) => textOf(view).includes(word)));
  if (matching.length <= KEYS_ON_PAGE_MAX) return { matched: matching.length, shown: matching };
  const byInterest = [...matching].sort((a, b) => INTEREST.indexOf(a.state) - INTEREST.indexOf(b.state));
  return { matched: matching.length, shown: byInterest.slice(0, KEYS_ON_PAGE_MAX) };
}

function textOf({ config, limitGroup, state, reason }: KeyView): string {
  return `${config.id} ${limitGroup} ${state} ${reason ?? ''}`.toLowerCase();
}

/** A key as the page gets it. */
export function keyOnPage(view: KeyView) {
  const { config, fingerprint, limitGroup, state, reason, message, availableTime, score, activeLeases, limits, lastReportTime } = view;
  return {
    id: config.id,
    ...{ fingerprint, limitGroup, state, reason, message, availableTime, activeLeases, limits, lastReportTime },
    score: Math.round(score * 1_000) / 1_000,
    leasesMax: config.leasesMax,
    priority: config.priority,
    concurrency: view.concurrency,
    blocks: view.blocks,
  };
}
