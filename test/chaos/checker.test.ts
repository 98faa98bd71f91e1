import { expect, test } from 'vitest';
import { check } from './checker.ts';
import type { Answer, Ask, Balance, Call, ToldLease } from './journal.ts';

const BOUNDS = { slots: { leases: 2 }, window: { requests: { limit: 3, windowMs: 1_000 } }, usage: { tokensEach: 10 } };

/** A call that was sent and answered at these moments. */
function call(pool: string, [sent, answered]: readonly [number, number], ask: Ask, answer: Answer): Call {
  return { holder: 'h', pool, replica: 0, sent, answered, ask, answer };
}

function told(lease: Partial<ToldLease>): Answer {
  const whole = { id: 'l1', key: 'k', isActive: true, isReleased: false, expireTime: 10_000, requests: 1, reported: 0, ...lease };
  return { kind: 'lease', lease: whole };
}

const UNKNOWN: Answer = { kind: 'unknown', status: 'UNAVAILABLE' };

function grant(pool: string, times: readonly [number, number], id: string, lease: Partial<ToldLease> = {}): Call {
  return call(pool, times, { kind: 'acquire', requestId: `r-${id}`, requests: lease.requests ?? 1 }, told({ id, ...lease }));
}

function report(pool: string, times: readonly [number, number], reportId: string, lease: Partial<ToldLease> = {}): Call {
  return call(pool, times, { kind: 'report', leaseId: lease.id ?? 'l1', reportId }, told({ isActive: false, ...lease }));
}

function release(
  pool: string,
  times: readonly [number, number],
  leaseId: string,
  answer: Answer = told({ isActive: false, isReleased: true }),
): Call {
  return call(pool, times, { kind: 'release', leaseId }, answer);
}

/** Three leases of one key, each with the other two, of which two may be. */
const THREE = [grant('slots', [0, 10], 'a'), grant('slots', [0, 20], 'b'), grant('slots', [0, 30], 'c')];

/** Three requests, all that are allowed, and after a tenth of the window another one. */
const SPENT = ['a', 'b', 'c'].map((id) => grant('window', [0, 10], id));

const found = (calls: readonly Call[], balances: readonly Balance[] = []) => check({ calls, balances }, BOUNDS).map(({ kind }) => kind);

const left = (remaining: number): Balance => ({ pool: 'usage', key: 'k', limit: 1_000, windowMs: 1e12, remaining, at: 9_000 });

const USED = [grant('usage', [0, 10], 'l1'), report('usage', [20, 30], 'one')];

test.each<{ name: string; calls: Call[]; balance?: number; kind: string }>([
  { name: 'three leases under way where two may be', calls: THREE, kind: 'over-grant' },
  {
    name: 'a third lease before one of two ends, in whatever order it was told',
    calls: [...THREE.toReversed(), release('slots', [31, 40], 'a')],
    kind: 'over-grant',
  },
  {
    name: 'a third lease while a report on one of several requests leaves its lease under way',
    calls: [grant('slots', [0, 10], 'a', { requests: 2 }), report('slots', [11, 12], 'one', { id: 'a' }), ...THREE.slice(1)],
    kind: 'over-grant',
  },
  {
    name: 'a third lease a moment before one of two has expired',
    calls: [grant('slots', [0, 10], 'a', { expireTime: 60 }), ...THREE.slice(1)],
    kind: 'over-grant',
  },
  { name: 'a fourth request before one came back', calls: [...SPENT, grant('window', [90, 100], 'd')], kind: 'over-window' },
  { name: 'one lease of more requests than are allowed', calls: [grant('window', [0, 1], 'a', { requests: 4 })], kind: 'over-window' },
  {
    name: 'too many requests long after a quiet time',
    calls: ['a', 'b', 'c', 'd'].map((id) => grant('window', [5_000, 5_010], id)),
    kind: 'over-window',
  },
  {
    name: 'two leases for one request id',
    calls: [grant('other', [0, 10], 'a'), { ...grant('other', [20, 30], 'b'), ask: { kind: 'acquire', requestId: 'r-a', requests: 1 } }],
    kind: 'double grant',
  },
  {
    name: 'two reports that were each the first of three',
    calls: [
      grant('other', [0, 10], 'l1', { requests: 3 }),
      ...['one', 'two'].map((id) => report('other', [20, 30], id, { isActive: true, reported: 1 })),
    ],
    kind: 'double settlement',
  },
  { name: 'more tokens spent than were used', calls: USED, balance: 980, kind: 'double settlement' },
  {
    name: 'a release that was answered, and tokens spent all the same',
    calls: [USED[0]!, release('usage', [20, 30], 'l1'), ...granted(2, 3)],
    balance: 970,
    kind: 'double settlement',
  },
  { name: 'fewer tokens spent than were used', calls: USED, balance: 1_000, kind: 'lost settlement' },
  {
    name: 'a lease that had expired when it was handed out',
    calls: [grant('other', [0, 6_001], 'a', { expireTime: 4_000 })],
    kind: 'expired when granted',
  },
])('$name: $kind', ({ calls, balance, kind }) => {
  expect(found(calls, balance === undefined ? [] : [left(balance)])).toEqual([kind]);
});

test.each<{ name: string; calls: Call[]; balance?: number }>([
  { name: 'nothing at all', calls: [] },
  {
    name: 'a third lease once a release was sent, answered or not',
    calls: [...THREE.slice(0, 2), release('slots', [25, 90], 'a', UNKNOWN), THREE[2]!],
  },
  {
    name: 'a third lease once the last request was reported',
    calls: [...THREE.slice(0, 2), report('slots', [25, 90], 'one', { id: 'a' }), THREE[2]!],
  },
  { name: 'a third lease once one has expired', calls: [grant('slots', [0, 10], 'a', { expireTime: 25 }), ...THREE.slice(1)] },
  { name: 'a third lease on another key', calls: [...THREE.slice(0, 2), grant('slots', [0, 30], 'c', { key: 'other' })] },
  { name: 'the same lease told again', calls: [...THREE.slice(0, 2), grant('slots', [40, 50], 'a')] },
  { name: 'a fourth request once one may have come back', calls: [...SPENT, grant('window', [300, 340], 'd')] },
  {
    name: 'a fourth request that may have been granted as late as its retry',
    calls: [
      ...SPENT,
      call('window', [1, 2], { kind: 'acquire', requestId: 'r-d', requests: 1 }, UNKNOWN),
      grant('window', [300, 340], 'd'),
    ],
  },
  { name: 'a fourth request after a release', calls: [...SPENT, release('window', [20, 30], 'a'), grant('window', [40, 50], 'd')] },
  {
    name: 'one request id of two holders',
    calls: [
      grant('other', [0, 1], 'a'),
      { ...grant('other', [2, 3], 'b'), holder: 'i', ask: { kind: 'acquire', requestId: 'r-a', requests: 1 } },
    ],
  },
  {
    name: 'the first report told as the first, the second as the last',
    calls: [
      grant('other', [0, 1], 'l1', { requests: 2 }),
      report('other', [2, 3], 'one', { isActive: true, reported: 1 }),
      report('other', [2, 3], 'two', { reported: 2 }),
    ],
  },
  { name: 'tokens spent that were used, reported twice', calls: [...USED, report('usage', [40, 50], 'two')], balance: 990 },
  {
    name: 'tokens spent by a grant of which nobody heard',
    calls: [...USED, call('usage', [0, 10], { kind: 'acquire', requestId: 'x', requests: 2 }, UNKNOWN)],
    balance: 970,
  },
  { name: 'a release of which nobody knows, tokens spent', calls: [USED[0]!, release('usage', [20, 30], 'l1', UNKNOWN)], balance: 990 },
  {
    name: 'a release of which nobody knows, no tokens spent',
    calls: [USED[0]!, release('usage', [20, 30], 'l1', UNKNOWN)],
    balance: 1_000,
  },
  { name: 'a lease whose answer lay unread a while', calls: [grant('other', [0, 6_000], 'a', { expireTime: 4_000 })] },
  {
    name: 'a lease that ended long ago, told as ended',
    calls: [grant('other', [0, 10], 'a'), grant('other', [20_000, 20_010], 'a', { isActive: false })],
  },
])('$name: nothing is wrong', ({ calls, balance }) => {
  expect(found(calls, balance === undefined ? [] : [left(balance)])).toEqual([]);
});

/** Leases of the pool that is balanced, which expired. */
function granted(...numbers: readonly number[]): Call[] {
  return numbers.map((number) => grant('usage', [0, 10], `l${number}`));
}
