import { describe, expect, test } from 'vitest';
import { providerByName, providerNames } from '../../src/provider/index.ts';
import { chance, randomAnswer } from './random-answer.ts';
import { isSane, readAll } from './sane.ts';

const NOW = Date.UTC(2026, 10, 24, 12);

/** For each provider: ten thousand and more in all. */
const ANSWERS = 700;
const SEED = 20_261_124;

const LIMITS = {
  anthropic: ['anthropic-ratelimit-requests-limit', 'anthropic-ratelimit-requests-remaining', 'anthropic-ratelimit-requests-reset'],
  openai: ['x-ratelimit-limit-requests', 'x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests'],
  generic: ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'],
};

describe.each(Object.entries(LIMITS))('%s', (provider, names) => {
  test.each([
    ['NUL', '\0'],
    ['a number with NUL', '5\0'],
    ['a number out of range', '1e309'],
    ['Infinity', 'Infinity'],
    ['minus Infinity', '-Infinity'],
    ['NaN', 'NaN'],
    ['nothing', ''],
    ['10 kB', '1'.repeat(10_000)],
    ['digits beyond ASCII', '٣٤'],
    ['a number above 2^53', '99999999999999999999'],
    ['a date far ahead', '9999-12-31T23:59:59Z'],
  ])('%s is ignored with a reason', (_, value) => {
    const reading = providerByName(provider)!.readHeaders(new Map([...names, 'retry-after'].map((name) => [name, value])), NOW);
    expect(reading.observations).toEqual([]);
    expect(reading.retryAfterMs).toBeNull();
    expect(reading.ignored.map(({ name }) => name).toSorted()).toEqual([...names, 'retry-after'].toSorted());
    expect(reading.ignored.map(({ reason }) => reason)).not.toContain('');
  });

  test('a reason never repeats the value', () => {
    const reading = providerByName(provider)!.readHeaders(new Map(names.map((name) => [name, 's3cret'])), NOW);
    expect(JSON.stringify(reading)).not.toContain('s3cret');
  });
});

test.each(providerNames)('whatever %s answers, nothing throws and every number is finite and not negative', (name) => {
  const random = chance(SEED);
  const strange = Array.from({ length: ANSWERS }, () => randomAnswer(name, random)).filter((answer) => !isSane(readAll(name, answer)));
  expect(strange).toEqual([]);
});

test.each(providerNames)('no long text makes %s slow', (name) => {
  const pieces = [' ', '#', '"', '[', '1', '1h', '"__type":"#', 'requests to this API ', '"quotaId":"', 'retry in 1', 'organization IP '];
  const started = performance.now();
  for (const piece of pieces) {
    const text = piece.repeat(60_000 / piece.length);
    const headers = new Map(['x-amzn-errortype', 'retry-after', 'anthropic-ratelimit-unified-status'].map((header) => [header, text]));
    for (const status of [400, 401, 402, 403, 404, 412, 429]) readAll(name, { status, headers, body: text, responseTime: NOW });
  }
  expect(performance.now() - started).toBeLessThan(2000);
});

test('the answers reach every verdict and many limits', () => {
  const random = chance(SEED);
  const read = Array.from({ length: 30 * ANSWERS }, (_, i) => providerNames[i % providerNames.length]!).map((name) =>
    readAll(name, randomAnswer(name, random)),
  );
  expect([...new Set(read.map(({ judgement }) => judgement.verdict))].toSorted()).toEqual([
    ...['billing', 'client_error', 'environment', 'forbidden', 'invalid_credential', 'no_response', 'ok', 'overloaded', 'rate_limited'],
    'server_error',
  ]);
  expect(read.filter(({ observations }) => observations.length > 0).length).toBeGreaterThan(6 * ANSWERS);
});
