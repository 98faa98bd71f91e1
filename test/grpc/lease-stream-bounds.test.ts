import { EventEmitter } from 'node:events';
import pino from 'pino';
import { expect, onTestFinished, test, vi } from 'vitest';
import { defaultLimits } from '../../src/config/schema-limits.ts';
import type { LeaseReply, LeaseStreamResponse } from '../../src/generated/keylease/v1/key_lease_service.ts';
import type { CallContext } from '../../src/grpc/handler.ts';
import { Identities, type ShowsIdentity } from '../../src/grpc/identity.ts';
import type { LeaseCalls } from '../../src/grpc/lease-calls.ts';
import { leaseStream } from '../../src/grpc/lease-stream.ts';
import { OpenStreams } from '../../src/grpc/open-streams.ts';
import { answered } from '../../src/service/problem.ts';
import { acquire, type Call, release, waitForKey } from './lease-stream-client.ts';

const UNANSWERED_MAX = defaultLimits.unansweredPerStream;

/** The server's end of a stream, which takes what is written when the test says so. */
class FakeStream extends EventEmitter {
  readonly written: LeaseReply[][] = [];
  readonly #taken: (() => void)[] = [];
  readonly deadline: number;
  cancelled = false;
  ended: Error | 'well' | undefined;
  /** Whether it takes more after each message. */
  hasRoom = true;
  /** Whether messages are on their way at once. */
  isFast = true;
  #paused = false;
  #sent = 0;

  constructor(deadline: number) {
    super();
    this.deadline = deadline;
    this.on('error', (error) => {
      this.ended = error;
    });
  }

  write({ replies }: LeaseStreamResponse, taken: () => void): boolean {
    this.written.push(replies);
    if (this.isFast) setImmediate(taken);
    else this.#taken.push(taken);
    return this.hasRoom;
  }

  takeAll(): void {
    for (const taken of this.#taken.splice(0)) taken();
  }

  drain(): void {
    this.hasRoom = true;
    this.emit('drain');
  }

  end(): void {
    this.ended = 'well';
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  isPaused(): boolean {
    return this.#paused;
  }

  getPath(): string {
    return '/keylease.v1.KeyLeaseService/LeaseStream';
  }

  getDeadline(): number {
    return this.deadline;
  }

  receive(...calls: readonly Call[]): void {
    this.emit('data', { calls: calls.map((call) => ({ id: ++this.#sent, call })) });
  }

  get ids(): number[] {
    return this.written.flat().map(({ id }) => id);
  }
}

interface Opened {
  readonly stream: FakeStream;
  readonly streams: OpenStreams;
  /** The calls under way, in the order in which they came. */
  readonly pending: { answer: () => void; fail: (fault: unknown) => void; context: CallContext }[];
  readonly log: readonly Record<string, unknown>[];
  answer(count: number): Promise<void>;
}

/** A stream whose calls are answered when the test says so. */
function opened(deadline = Number.POSITIVE_INFINITY, streams = new OpenStreams()): Opened {
  const pending: Opened['pending'] = [];
  const log: Record<string, unknown>[] = [];
  const call = (_: unknown, context: CallContext) =>
    new Promise((resolve, reject) => {
      pending.push({ answer: () => resolve(answered({ lease: undefined }, 0)), fail: reject, context });
    });
  const calls = { acquireKey: call, releaseLease: call } as unknown as LeaseCalls;
  const stream = new FakeStream(deadline);
  const logger = pino({}, { write: (line: string) => void log.push(JSON.parse(line)) });
  const identities = new Identities();
  const identityOf = (shown: ShowsIdentity) => identities.of(shown, false);
  const options = { log: logger, limits: defaultLimits, isDraining: () => false, now: () => 0, identityOf, observe: () => {} };
  const handle = leaseStream(options, streams, calls);
  handle(stream as unknown as Parameters<typeof handle>[0]);
  const answer = async (count: number) => {
    for (const each of pending.splice(0, count)) each.answer();
    await turn();
  };
  return { stream, streams, pending, log, answer };
}

async function turn(): Promise<void> {
  for (let n = 0; n < 3; n += 1) await new Promise((resolve) => setImmediate(resolve));
}

const releases = (count: number) => Array<Call>(count).fill(release('lease'));
const waits = (count: number) => Array<Call>(count).fill(waitForKey());

test('replies that become ready in one turn share messages of at most 64', async () => {
  const { stream, answer } = opened();
  stream.receive(...releases(150));
  await answer(150);
  expect(stream.written.map((replies) => replies.length)).toEqual([64, 64, 22]);
  expect(stream.ids).toEqual(Array.from({ length: 150 }, (_, n) => n + 1));
});

test('replies come in the order in which they are ready', async () => {
  const { stream, pending } = opened();
  stream.receive(...releases(3));
  for (const each of pending.reverse()) each.answer();
  await turn();
  expect(stream.ids).toEqual([3, 2, 1]);
});

test('a stream with too many calls under way is not read until enough are answered', async () => {
  const { stream, answer } = opened();
  stream.receive(...releases(UNANSWERED_MAX));
  expect(stream.isPaused()).toBe(false);
  stream.receive(...releases(2));
  expect(stream.isPaused()).toBe(true);
  await answer(1);
  expect(stream.isPaused()).toBe(true);
  await answer(1);
  expect(stream.isPaused()).toBe(false);
});

test('calls that wait in line do not keep a stream from being read', () => {
  const { stream } = opened();
  stream.receive(...waits(UNANSWERED_MAX * 2));
  expect(stream.isPaused()).toBe(false);
});

test('replies that are not sent count as calls that are not answered, also those of calls that waited', async () => {
  const { stream, answer } = opened();
  stream.hasRoom = false;
  stream.receive(...waits(UNANSWERED_MAX + 65));
  await answer(UNANSWERED_MAX + 65);
  stream.receive();
  expect(stream.isPaused()).toBe(true);
  stream.drain();
  await turn();
  expect(stream.isPaused()).toBe(false);
  expect(stream.ids).toHaveLength(UNANSWERED_MAX + 65);
});

test('a stream that is full is written to only when it has drained', async () => {
  const { stream, answer } = opened();
  stream.hasRoom = false;
  stream.receive(...releases(100));
  await answer(70);
  await answer(30);
  expect(stream.ids).toHaveLength(64);
  stream.drain();
  await turn();
  expect(stream.ids).toHaveLength(100);
});

test.each<{ end: string; begin: (opened: Opened) => void; how: unknown }>([
  { end: 'the caller is done', begin: ({ stream }) => void stream.emit('end'), how: 'well' },
  {
    end: 'the server drains',
    begin: ({ streams }) => streams.drain(),
    how: expect.objectContaining({ code: 14, details: 'the server is shutting down' }),
  },
  {
    end: 'the server drains after the caller was done',
    begin: ({ stream, streams }) => {
      stream.emit('end');
      streams.drain();
    },
    how: 'well',
  },
])('when $end the stream ends once everything is answered and on its way', async ({ begin, how }) => {
  const all = opened();
  const { stream, answer } = all;
  stream.isFast = false;
  stream.receive(...releases(2));
  begin(all);
  await answer(1);
  expect(stream.ended).toBeUndefined();
  await answer(1);
  expect([stream.ids, stream.ended]).toEqual([[1, 2], undefined]);
  stream.takeAll();
  await turn();
  expect(stream.ended).toEqual(how);
});

test('a drain reads nothing more', () => {
  const { stream, streams } = opened();
  streams.drain();
  expect(stream.isPaused()).toBe(true);
});

test('a stream that opens after a drain began is ended, and is not read', async () => {
  const streams = new OpenStreams();
  streams.drain();
  const { stream } = opened(Number.POSITIVE_INFINITY, streams);
  expect(stream.isPaused()).toBe(true);
  await turn();
  expect(stream.ended).toEqual(expect.objectContaining({ code: 14, details: 'the server is shutting down' }));
});

test('a stream of a foreign service that opens after a drain began is ended before its handler runs', () => {
  const streams = new OpenStreams();
  const handled: string[] = [];
  const { watch } = streams.followed({ watch: () => void handled.push('watch') });
  streams.drain();
  const stream = new FakeStream(0);
  (watch as (call: unknown) => void)(stream);
  expect(stream.ended).toMatchObject({ code: 14 });
  expect(handled).toEqual([]);
});

test('a drain leaves alone a stream that has ended or was cancelled', async () => {
  for (const event of ['close', 'cancelled']) {
    const { stream, streams } = opened();
    stream.emit(event);
    streams.drain();
    await turn();
    expect(stream.ended).toBeUndefined();
  }
});

test('all calls that wait hear of the end of their stream, through one listener; those that no longer wait do not', async () => {
  const { stream, pending } = opened();
  stream.receive(...waits(10_000));
  const heard: number[] = [];
  const forget = pending.map(({ context }, n) => context.onCancel(() => void heard.push(n)));
  expect(stream.listenerCount('cancelled')).toBeLessThanOrEqual(2);
  for (const each of forget.slice(0, 4_000)) each();
  stream.cancelled = true;
  stream.emit('cancelled');
  expect(heard).toEqual(Array.from({ length: 6_000 }, (_, n) => 4_000 + n));
  expect(pending[0]?.context.cancelled()).toBe(true);
});

test('the deadline of a stream is the nearer the later a call comes', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const { stream, pending } = opened(Date.now() + 10_000);
  stream.receive(...waits(1));
  vi.setSystemTime(Date.now() + 4_000);
  stream.receive(...waits(1));
  expect(pending.map(({ context }) => context.deadlineMs)).toEqual([10_000, 6_000]);
});

test('a stream without a deadline sets its calls none', () => {
  const { stream, pending } = opened();
  stream.receive(...waits(1));
  expect(pending[0]?.context.deadlineMs).toBe(Number.POSITIVE_INFINITY);
});

test('nothing is written to a stream that was cancelled', async () => {
  const { stream, answer } = opened();
  stream.receive(...releases(2));
  stream.cancelled = true;
  stream.emit('cancelled');
  await answer(2);
  expect(stream.written).toEqual([]);
});

test('a fault in one call is INTERNAL for this call alone, and its cause goes to the log', async () => {
  const { stream, pending, answer, log } = opened();
  stream.receive(acquire(), release('lease'));
  pending.shift()?.fail(new TypeError('a mistake of ours'));
  await answer(1);
  const [failed, well] = stream.written.flat();
  expect(failed?.reply).toMatchObject({ $case: 'error', value: { code: 13, message: 'Internal error' } });
  expect(well?.reply?.$case).toBe('releaseLease');
  expect(log).toEqual([expect.objectContaining({ err: expect.objectContaining({ message: 'a mistake of ours' }) })]);
});
