import { expect, test, vi } from 'vitest';
import { keyOf } from '../support/app.ts';
import { START } from '../support/clock.ts';
import { seededRandom } from '../support/random.ts';
import { type Asked, type Desk, fate, leaseIdOf, openDesk, pass, patientPool, settle, type Wish } from './desk.ts';

vi.setConfig({ testTimeout: 60_000 });

const print = (text: string) => void process.stdout.write(`${text}\n`);

/** A provider's bucket that is empty at first and gains a token in a millisecond, in whole numbers. */
class TrueBucket {
  #tokens = 0;
  #at = START;
  refused = 0;
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  take(amount: number): void {
    this.#tokens = Math.min(this.#size, this.#tokens + Date.now() - this.#at);
    this.#at = Date.now();
    if (amount > this.#tokens) this.refused += 1;
    else this.#tokens -= amount;
  }
}

/** A desk with one key whose bucket of 60,000 tokens a minute was just emptied. */
async function emptiedDesk() {
  const desk = await openDesk({ config: patientPool([keyOf('a', { limits: { input_tokens: 60_000 }, max_leases: 100_000 })]) });
  const first = desk.ask({ inputTokens: 60_000 });
  await settle();
  await desk.admin.revoke(leaseIdOf(first));
  return desk;
}

function report({ leases }: Desk, leaseId: string, inputTokens: number) {
  const usage = { inputTokens, outputTokens: 0, cacheReadInputTokens: 0, cacheCreationInputTokens: 0 };
  const times = { requestTime: Date.now(), responseTime: Date.now() };
  return leases.report('anonymous', { leaseId, status: 200, headers: new Map(), errorBody: '', usage, inProgress: false, ...times });
}

/** Each call that is granted goes to the provider at once and is reported; answers how many grants met each moment. */
function follow(desk: Desk, calls: readonly Asked[], bucket: TrueBucket): () => void {
  const open = new Set(calls);
  return () => {
    for (const call of open) {
      if (call.answer === undefined) continue;
      open.delete(call);
      const amount = call.wish.inputTokens as number;
      bucket.take(amount);
      void report(desk, leaseIdOf(call), amount);
    }
  };
}

test('a thousand calls on a refilling bucket are released at its rate, each at its very millisecond, and none meets a 429', async () => {
  const desk = await emptiedDesk();
  const calls = Array.from({ length: 1_000 }, () => desk.ask({ inputTokens: 100 }));
  const bucket = new TrueBucket(60_000);
  await settle();
  await pass(100_000, follow(desk, calls, bucket));
  expect(calls.map(({ at }) => at)).toEqual(calls.map((_, n) => (n + 1) * 100));
  expect(bucket.refused).toBe(0);
});

test('calls of every size are released as the bucket refills: nothing is overdrawn, and nothing is left lying', async () => {
  const random = seededRandom(11);
  const desk = await emptiedDesk();
  const size = () => 10 + Math.floor(random() ** 3 * 3_000);
  const calls = Array.from({ length: 400 }, (_, n) => desk.ask({ inputTokens: size(), holder: 'anonymous', priority: n % 3 }));
  const total = calls.reduce((sum, { wish }) => sum + (wish.inputTokens as number), 0);
  const bucket = new TrueBucket(60_000);
  await settle();
  await pass(total, follow(desk, calls, bucket));
  expect(new Set(calls.map(fate))).toEqual(new Set(['a']));
  expect(bucket.refused).toBe(0);
  const last = Math.max(...calls.map(({ at }) => at as number));
  expect(last).toBe(total);
});

test('room that opens all at once is handed out as far as it goes, and not to everyone', async () => {
  const desk = await openDesk({ config: patientPool([keyOf('a', { limits: { requests: 100 } })]) });
  const first = desk.ask({ requests: 100 });
  await settle();
  const calls = Array.from({ length: 1_000 }, () => desk.ask({ requests: 3 }));
  await settle();
  await desk.leases.release('anonymous', leaseIdOf(first));
  await settle();
  expect(calls.filter(({ answer }) => answer?.ok)).toHaveLength(33);
  expect(desk.waiting.size('default')).toBe(967);
});

test('ten thousand calls that are cancelled leave nothing behind: no line, no listener, no timer, no place taken', async () => {
  const config = patientPool([keyOf('a', { limits: { input_tokens: 60_000 } })], { waiting: { max_wait: '10m', max_waiters: 10_000 } });
  const desk = await openDesk({ config });
  const first = desk.ask({ inputTokens: 60_000 });
  await settle();
  const timersBefore = vi.getTimerCount();
  const wish = (n: number): Wish => ({ inputTokens: 100, holder: `h${n % 100}`, model: `m${n % 7}`, priority: n % 5 });
  const storm = async () => {
    const calls = Array.from({ length: 10_000 }, (_, n) => desk.ask({ ...wish(n), model: '' }));
    await settle();
    expect(desk.waiting.size('default')).toBe(10_000);
    const started = performance.now();
    for (const call of calls) call.cancel();
    await settle();
    print(`cancelling 10,000 waiters: ${((performance.now() - started) / 10).toFixed(2)} µs each`);
    expect(new Set(calls.map(fate))).toEqual(new Set(['cancelled']));
    expect(calls.filter(({ listeners }) => listeners.size > 0)).toEqual([]);
    expect(desk.waiting.size('default')).toBe(0);
    expect(desk.waiting.hasLine('default', '')).toBe(false);
    expect(vi.getTimerCount()).toBe(timersBefore);
  };
  await storm();
  await storm();
  await desk.leases.release('anonymous', leaseIdOf(first));
  const next = desk.ask({ inputTokens: 100 });
  await settle();
  expect(fate(next)).toBe('a');
});

test.each([
  { who: 'one holder', holders: 1, priorities: 1 },
  { who: '10,000 holders', holders: 10_000, priorities: 1 },
  { who: '100 holders at 20 priorities', holders: 100, priorities: 20 },
])('ten thousand calls of $who are all woken by one event', async ({ who, holders, priorities }) => {
  const config = patientPool([keyOf('a', { limits: { requests: 10_000 }, max_leases: 20_000 })], {
    waiting: { max_wait: '10m', max_waiters: 10_000 },
  });
  const desk = await openDesk({ config });
  const first = desk.ask({ requests: 10_000 });
  await settle();
  const calls = Array.from({ length: 10_000 }, (_, n) => desk.ask({ holder: `h${n % holders}`, priority: n % priorities }));
  await settle();
  expect(desk.waiting.size('default')).toBe(10_000);
  const started = performance.now();
  await desk.leases.release('anonymous', leaseIdOf(first));
  while (desk.waiting.size('default') > 0) await settle();
  print(`waking 10,000 waiters of ${who}: ${((performance.now() - started) / 10).toFixed(2)} µs each`);
  await settle();
  expect(calls.filter(({ answer }) => answer?.ok)).toHaveLength(10_000);
});

test('a long line that is woken leaves turns of the event loop to others', async () => {
  const config = patientPool([keyOf('a', { limits: { requests: 1_000 }, max_leases: 20_000 })]);
  const desk = await openDesk({ config });
  const first = desk.ask({ requests: 1_000 });
  await settle();
  const calls = Array.from({ length: 1_000 }, () => desk.ask());
  await settle();
  await desk.leases.release('anonymous', leaseIdOf(first));
  const served: number[] = [];
  while (desk.waiting.size('default') > 0) {
    const before = desk.waiting.size('default');
    await new Promise((resolve) => setImmediate(resolve));
    served.push(before - desk.waiting.size('default'));
  }
  await settle();
  expect(Math.max(...served)).toBeLessThanOrEqual(256);
  expect(calls.map(({ at }) => at)).toEqual(calls.map(() => 0));
});

test('an event that makes no room costs the same however many wait', async () => {
  const desk = await openDesk({ config: patientPool([keyOf('a', { max_leases: 1 }), keyOf('b')]) });
  const first = desk.ask({ excluded: new Set(['b']) });
  await settle();
  expect(fate(first)).toBe('a');
  let reads = 0;
  const excluded = new Set(['b']);
  const calls = Array.from({ length: 10_000 }, () => desk.ask({ excluded }));
  await settle();
  const { read } = desk.store;
  desk.store.read = (pool) => {
    reads += 1;
    return read(pool);
  };
  desk.waiting.wakeAll();
  desk.waiting.wakeAll();
  await settle();
  expect(reads).toBeLessThanOrEqual(32);
  expect(calls.filter(({ answer }) => answer !== undefined)).toEqual([]);
});
