import { expect, test, vi } from 'vitest';
import type { Service } from '../../src/client/connection.ts';
import { type Call, LeaseCalls } from '../../src/client/lease-calls.ts';
import type { LeaseReply, LeaseStreamRequest } from '../../src/generated/keylease/v1/key_lease_service.ts';

/** What a server does with a message of a stream: answers, or breaks it. */
type Answering = (message: LeaseStreamRequest, stream: number) => readonly LeaseReply[] | Error;

function fakeServer(answering: Answering) {
  const messages: { stream: number; ids: number[] }[] = [];
  let [opened, ended] = [0, 0];
  async function* leaseStream(requests: AsyncIterable<LeaseStreamRequest>) {
    opened += 1;
    const stream = opened;
    for await (const message of requests) {
      messages.push({ stream, ids: message.calls.map(({ id }) => id) });
      const answer = answering(message, stream);
      if (answer instanceof Error) throw answer;
      yield { replies: answer };
    }
    ended += 1;
  }
  const service = { leaseStream } as unknown as Service;
  return { service, messages, opened: () => opened, ended: () => ended };
}

const answered: Answering = ({ calls }) => calls.map(({ id }) => ({ id, reply: { $case: 'releaseLease', value: { lease: undefined } } }));
const unavailable: Answering = ({ calls }) =>
  calls.map(({ id }) => ({ id, reply: { $case: 'error', value: { code: 14, message: 'draining', details: [] } } }));
const released = { $case: 'releaseLease', value: { lease: undefined } };
const release = (leaseId: string): Call => ({ $case: 'releaseLease', value: { leaseId } });
const many = (count: number) => Array.from({ length: count }, (_, place) => release(`lease-${place}`));
const OPTIONS = { callsMax: 1_000, random: () => 0 };

test('calls of one turn of the event loop go in one message', async () => {
  const server = fakeServer(answered);
  const calls = new LeaseCalls(server.service, OPTIONS);
  expect(await Promise.all(many(20).map((call) => calls.send(call)))).toEqual(Array(20).fill(released));
  expect(server.messages).toHaveLength(1);
  expect(calls.size).toBe(0);
  await calls.close(1_000);
});

test('no message is larger than a server reads', async () => {
  const server = fakeServer(answered);
  const calls = new LeaseCalls(server.service, OPTIONS);
  const large = Array.from({ length: 10 }, () => release('x'.repeat(16 * 1_024)));
  await Promise.all(large.map((call) => calls.send(call)));
  expect(server.messages.map(({ ids }) => ids.length)).toEqual([2, 2, 2, 2, 2]);
  await calls.close(1_000);
});

test.each<[string, Answering]>([
  ['a stream breaks', () => new Error('broken')],
  ['a server drains', unavailable],
])('when %s, calls are sent again until they are answered', async (_name, failing) => {
  let failures = 2;
  const server = fakeServer((message, stream) => {
    failures -= 1;
    return failures < 0 ? answered(message, stream) : failing(message, stream);
  });
  const calls = new LeaseCalls(server.service, OPTIONS);
  expect(await Promise.all(many(3).map((call) => calls.send(call)))).toEqual([released, released, released]);
  expect(server.messages.map(({ ids }) => ids)).toEqual([
    [1, 2, 3],
    [1, 2, 3],
    [1, 2, 3],
  ]);
  await calls.close(1_000);
});

test('a call that must not be repeated is given up when its stream breaks, and the others are not', async () => {
  const server = fakeServer((message, stream) => (stream === 1 ? new Error('broken') : answered(message, stream)));
  const calls = new LeaseCalls(server.service, OPTIONS);
  expect(await Promise.all([calls.send(release('a'), false), calls.send(release('b'))])).toEqual([null, released]);
  expect(server.messages.map(({ ids }) => ids)).toEqual([[1, 2], [2]]);
  await calls.close(1_000);
});

test('beyond the bound the oldest calls are given up', async () => {
  const server = fakeServer(answered);
  const calls = new LeaseCalls(server.service, { ...OPTIONS, callsMax: 2 });
  expect(await Promise.all(many(5).map((call) => calls.send(call)))).toEqual([null, null, null, released, released]);
  await calls.close(1_000);
});

test('a stream without work is ended, and opened again for the next call', async () => {
  const server = fakeServer(answered);
  const calls = new LeaseCalls(server.service, OPTIONS);
  await calls.send(release('a'));
  await vi.waitUntil(() => server.ended() === 1, { timeout: 10_000 });
  expect(await calls.send(release('b'))).toEqual(released);
  expect(server.opened()).toBe(2);
  await calls.close(1_000);
});

test('closing waits for the answers that are due', async () => {
  const server = fakeServer(answered);
  const calls = new LeaseCalls(server.service, OPTIONS);
  const sent = calls.send(release('a'));
  await calls.close(10_000);
  expect(await sent).toEqual(released);
});

test('closing gives up after its bound, and nothing is sent afterwards', async () => {
  const server = fakeServer(() => new Error('away'));
  const calls = new LeaseCalls(server.service, OPTIONS);
  const sent = calls.send(release('a'));
  await calls.close(20);
  expect(await sent).toBeNull();
  expect(await calls.send(release('b'))).toBeNull();
  expect(calls.size).toBe(0);
});
