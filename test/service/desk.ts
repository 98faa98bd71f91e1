import { expect, onTestFinished, vi } from 'vitest';
import { Admin } from '../../src/service/admin.ts';
import type { AcquireAnswer, AcquireCall } from '../../src/service/leases.ts';
import { type Answer, answered, refused } from '../../src/service/problem.ts';
import { createService } from '../../src/service/service.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { type ConfigContent, configOf, keyOf, onePool } from '../support/app.ts';
import { START } from '../support/clock.ts';

/** What a caller asks for, besides being ready to wait for it as long as the pool lets it. */
export interface Wish extends Partial<AcquireCall> {
  readonly holder?: string;
  readonly deadlineMs?: number;
}

/** A call that was made: how and when it was answered, as soon as it was. */
export interface Asked {
  readonly wish: Wish;
  answer: Answer<AcquireAnswer> | undefined;
  fault: unknown;
  at: number | undefined;
  cancel(): void;
  /** Who listens for its cancellation. */
  readonly listeners: ReadonlySet<() => void>;
}

export interface DeskOptions {
  readonly config?: ConfigContent;
  /** Stands between the desk and its store. */
  readonly wrap?: (store: Store) => Store;
  readonly random?: () => number;
}

/** Pools, leases and lines as the service wires them, over a store in memory, in a time that passes only when it is told to. */
export async function openDesk({ config, wrap = (store) => store, random = () => 0 }: DeskOptions = {}) {
  vi.useFakeTimers({ now: START, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const store = wrap(memoryStore({ clock: () => Date.now() }));
  const service = createService(store, random, { joinedGroup: () => {}, poolShrank: () => {}, leaseExpired: () => {} });
  const { leases, waiting, generations } = service;
  const put = async (content: ConfigContent) => answered(await generations.put(configOf(content)), store.now());
  const admin = new Admin({ ...service, random, reload: async () => refused({ kind: 'cancelled' }, store.now()) });
  await put(config ?? onePool([keyOf('a')]));

  const ask = (wish: Wish = {}): Asked => {
    const { holder = 'anonymous', deadlineMs = Number.POSITIVE_INFINITY, ...call } = wish;
    const listeners = new Set<() => void>();
    let cancelled = false;
    const onCancel = (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    };
    const cancel = () => {
      cancelled = true;
      for (const listener of [...listeners]) listener();
    };
    const asked: Asked = { wish, answer: undefined, fault: undefined, at: undefined, cancel, listeners };
    leases.acquire(holder, { ...PATIENT, ...call }, { cancelled: () => cancelled, deadlineMs, onCancel }).then(
      (answer) => Object.assign(asked, { answer, at: Date.now() - START }),
      (fault) => Object.assign(asked, { fault, at: Date.now() - START }),
    );
    return asked;
  };
  return { store, leases, admin, waiting, ask, put };
}

export type Desk = Awaited<ReturnType<typeof openDesk>>;

const PATIENT: AcquireCall = {
  ...{ pool: '', model: '', requests: 1, inputTokens: 0, outputTokens: 0, ttlMs: null, affinity: '', excluded: new Set() },
  ...{ requestId: '', contentHash: '', maxWaitMs: 600_000, priority: 0 },
};

/** Turns of the event loop after which whatever a moment set off has happened. */
const TURNS = 4;

/** Everything that is to happen at this moment happens. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Time goes from timer to timer, and at each of them everything happens. Calls back after each. */
export async function pass(ms: number, then: () => void = () => {}): Promise<void> {
  const end = Date.now() + ms;
  setTimeout(() => {}, ms);
  await settle();
  vi.advanceTimersByTime(0);
  await settle();
  while (Date.now() < end) {
    vi.advanceTimersToNextTimer();
    vi.advanceTimersByTime(0);
    await settle();
    then();
  }
}

/** The id of the lease; throws where there is none. */
export function leaseIdOf({ answer }: Asked): string {
  if (!answer?.ok) throw new Error(`no lease: ${JSON.stringify(answer)}`);
  return answer.value.lease.id;
}

/** What became of a call, in a word. */
export function fate({ answer, fault }: Asked): string {
  if (fault !== undefined) return String(fault);
  if (answer === undefined) return 'waits';
  return answer.ok ? answer.value.lease.keyId : answer.problem.kind;
}

/** A pool whose callers may wait for ten minutes, in a line of any length. */
export function patientPool(keys: readonly ConfigContent[], pool: ConfigContent = {}): ConfigContent {
  return onePool(keys, { waiting: { max_wait: '10m', max_waiters: 1_000_000 }, lease: { ttl: '60s' }, ...pool });
}

/** Headers of a provider that limits requests. */
export const RATE_LIMIT = (limit: number, remaining: number, resetInMs: number) =>
  new Map([
    ['anthropic-ratelimit-requests-limit', String(limit)],
    ['anthropic-ratelimit-requests-remaining', String(remaining)],
    ['anthropic-ratelimit-requests-reset', new Date(Date.now() + resetInMs).toISOString()],
  ]);

/** Reports a response of the provider on a lease. */
export async function tell({ leases }: Desk, leaseId: string, status: number, headers: ReadonlyMap<string, string> = new Map()) {
  const call = {
    leaseId,
    status,
    headers,
    errorBody: '',
    usage: null,
    requestTime: Date.now(),
    responseTime: Date.now(),
    inProgress: false,
  };
  const reported = await leases.report('anonymous', call);
  expect(reported.ok).toBe(true);
}

/** The id of a lease that is granted at once. */
export async function leased(desk: Desk, wish = {}): Promise<string> {
  const asked = desk.ask(wish);
  await settle();
  return leaseIdOf(asked);
}

/** Calls of one kind that all wait. */
export async function asked(desk: Desk, count: number, wish = {}): Promise<Asked[]> {
  const all = Array.from({ length: count }, () => desk.ask(wish));
  await settle();
  expect(all.map(fate)).toEqual(all.map(() => 'waits'));
  return all;
}

/** What became of calls, in a word each. */
export const fates = (all: readonly Asked[]) => all.map(fate).join(' ');
