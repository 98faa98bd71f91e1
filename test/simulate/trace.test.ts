import { expect, test } from 'vitest';
import type { AcquireCall } from '../../src/service/leases.ts';
import { Recorder } from '../../src/service/record.ts';
import { createService } from '../../src/service/service.ts';
import { simulate } from '../../src/simulate/simulate.ts';
import { readSource } from '../../src/simulate/source.ts';
import { parseTrace } from '../../src/simulate/trace.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { configOf, keyOf, onePool } from '../support/app.ts';
import { fakeClock, START } from '../support/clock.ts';
import { SECOND } from './short.ts';

const CALL: AcquireCall = {
  ...{ pool: '', model: 'claude-sonnet-4-5', maxWaitMs: null, priority: 0, requests: 1, inputTokens: 1_000, outputTokens: 100 },
  ...{ ttlMs: null, affinity: '', excluded: new Set<string>(), requestId: '', contentHash: '' },
};

const HEADERS = new Map([
  ['anthropic-organization-id', 'org-1'],
  ['anthropic-ratelimit-input-tokens-limit', '20000'],
  ['anthropic-ratelimit-input-tokens-remaining', '20000'],
]);

/** What a service with two keys records of as many calls, each two seconds long, one in ten never reported. */
async function recorded(count: number): Promise<string> {
  const lines: string[] = [];
  const clock = fakeClock(START);
  const store = memoryStore({ clock });
  const recorder = new Recorder({ write: (line) => void lines.push(line) });
  const service = createService(store, () => 0, { joinedGroup: () => {}, poolShrank: () => {}, leaseExpired: () => {} }, recorder);
  await service.generations.put(configOf(onePool([keyOf('a'), keyOf('b')])));
  for (let number = 0; number < count; number += 1) {
    const answer = await service.calls.acquire(`holder-${number % 2}`, CALL);
    if (!answer.ok) throw new Error(`call ${number} was refused`);
    const requestTime = clock();
    clock.advance(2 * SECOND);
    if (number % 10 === 9) continue;
    const usage = { inputTokens: 900, outputTokens: 80, cacheReadInputTokens: 500, cacheCreationInputTokens: 0 };
    const report = { status: 200, headers: HEADERS, errorBody: '', usage, requestTime, responseTime: clock(), inProgress: false };
    await service.calls.report(`holder-${number % 2}`, { leaseId: answer.value.lease.id, ...report });
  }
  service.expiry.stop();
  return lines.join('');
}

test('what a service recorded can be played again', async () => {
  const reading = parseTrace(await recorded(30), 't.jsonl');
  if (!reading.ok) throw new Error(reading.mistakes.join());
  const { scenario, calls } = reading;
  expect(scenario.provider).toMatchObject({ dialect: 'anthropic', refill: 'continuous', limits: { input_tokens: 20_000 } });
  expect(new Set(scenario.keys.map(({ id }) => id))).toEqual(new Set(['a', 'b']));
  expect(calls).toHaveLength(30);
  expect(calls[0]).toMatchObject({ estimatedInput: 1_000, inputTokens: 900, outputTokens: 80, lengthMs: 2 * SECOND, crashes: false });
  expect(calls.filter(({ crashes }) => crashes)).toHaveLength(3);
  expect(new Set(calls.map(({ holder }) => holder)).size).toBe(2);
  const { result } = simulate(scenario, calls, 'bottleneck');
  expect(result).toMatchObject({ calls: 30, served: 30, limited: 0, refused: 0 });
});

test('a trace holds no secret, no holder and no account', async () => {
  expect(await recorded(20)).not.toMatch(/secret-of|holder-\d|org-1/);
});

const told = (changes: object) => JSON.stringify({ ...ACQUIRE, ...changes });
const ACQUIRE = {
  ...{ kind: 'acquire', time: START, pool: 'p', provider: 'anthropic', modelClass: '', holder: 'h', requests: 1, inputTokens: 1_000 },
  ...{ outputTokens: 10, waitedMs: 0, lease: 1, key: 'a', group: 'g' },
};
const REPORT = {
  ...{ kind: 'report', time: START + SECOND, lease: 1, status: 200, usage: null, requestTime: START, responseTime: START + SECOND },
  ...{ inProgress: false, headers: { 'anthropic-ratelimit-requests-limit': '50', 'anthropic-ratelimit-requests-remaining': '9' } },
};

const callsOf = (...lines: readonly string[]) => {
  const reading = parseTrace(`${lines.join('\n')}\n`, 't.jsonl');
  return reading.ok ? reading.calls : reading.mistakes;
};

test.each([
  [
    'a request that the provider refused is not a call: whoever repeated it asked again',
    [told({ lease: 2 }), JSON.stringify({ ...REPORT, lease: 2, status: 429 })],
    1,
  ],
  ['a refusal is a call', [told({ lease: null, time: START + SECOND })], 2],
  ['a refusal is none where the holder asks for the same again', [told({ lease: null, time: START - SECOND })], 1],
  ['a lease of several requests is as many calls', [told({ lease: 3, requests: 4 })], 5],
  ['another pool is left out', [told({ pool: 'q', lease: 4 })], 1],
])('%s', (_name, lines, count) => {
  expect(callsOf(told({}), JSON.stringify(REPORT), ...lines)).toHaveLength(count);
});

test.each([
  ['a line that is none', ['{"kind":"acquire"}'], 't.jsonl:1: not a line of a trace'],
  ['no call at all', [], 't.jsonl: no key was asked for'],
  ['no limit', [told({})], 't.jsonl: no report tells a limit'],
])('%s is a mistake', (_name, lines, mistake) => {
  expect(callsOf(...lines)).toEqual([mistake]);
});

test('a last line that was cut off is left out', () => {
  const reading = parseTrace(`${told({})}\n${JSON.stringify(REPORT)}\n${told({}).slice(0, 30)}`, 't.jsonl');
  expect(reading.ok && reading.calls.length).toBe(1);
});

test('a trace can be played with more keys, each in an organization of its own', async () => {
  const source = readSource(await recorded(20), 't.jsonl', { keys: 3, seed: 7 });
  expect(source.ok && [source.scenario.keys.length, source.scenario.seed]).toEqual([3, 7]);
});
