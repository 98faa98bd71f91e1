import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HeaderReading } from '../../src/pool/upstream.ts';
import { providerByName, providerNames } from '../../src/provider/index.ts';
import { judge } from '../../src/provider/judge.ts';
import { modelClassOf } from '../../src/provider/model-class.ts';

const NOW = Date.UTC(2026, 10, 24, 12);

/** Names that some provider reads, beside any other. */
const NAMES = [
  ...['retry-after', 'retry-after-ms', 'x-ms-retry-after-ms', 'date', 'anthropic-organization-id', 'openai-organization', 'openai-project'],
  ...['requests', 'input-tokens', 'tokens'].flatMap((name) =>
    ['limit', 'remaining', 'reset'].map((part) => `anthropic-ratelimit-${name}-${part}`),
  ),
  ...['-requests', '-tokens', '-project-tokens', '', '-tokens-minute'].flatMap((name) =>
    ['limit', 'remaining', 'reset'].map((part) => `x-ratelimit-${part}${name}`),
  ),
  ...['ratelimit', 'ratelimit-policy', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'],
];

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

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.double().map(String),
  fc.bigInt().map(String),
  fc.integer({ min: -5, max: 5000 }).map(String),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
  fc.array(fc.tuple(fc.nat(), fc.constantFrom('h', 'm', 's', 'ms', 'us')).map((part) => part.join(''))).map((parts) => parts.join('')),
  fc
    .array(fc.constantFrom('a', '"b"', ';', ',', ' ', 'r=5', 'q=10', 'w=60', 't=3', 'l=1', 'qu="tokens"', '-1', '7', '\\', '"'))
    .map((parts) => parts.join('')),
);
const headers = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...NAMES), fc.string()), text)).map((pairs) => new Map(pairs));
const phrases = fc.constantFrom(
  'try again in ',
  'retry after ',
  'regain access on ',
  '2026-13-45',
  ' at 99:99',
  '1h2m',
  'enforced_spend_limit_reached',
  'reached your specified usage limits',
);
const body = fc.array(fc.oneof(phrases, text)).map((parts) => parts.join(''));

test.each(providerNames)('whatever %s answers, nothing throws and every number is finite and not negative', (name) => {
  const provider = providerByName(name)!;
  fc.assert(
    fc.property(fc.integer({ min: -1, max: 700 }), headers, body, fc.nat(4_102_444_800_000), (status, sent, errorBody, responseTime) => {
      const reading = provider.readHeaders(sent, responseTime);
      const judgement = judge(provider, { status, body: errorBody, headers: sent, responseTime, retryAfterMs: reading.retryAfterMs });
      const sane = [...numbersOf(reading), judgement.waitMs ?? 0].every((number) => Number.isFinite(number) && number >= 0);
      expect(sane).toBe(true);
      expect(modelClassOf(provider.modelClasses, errorBody).length).toBeLessThanOrEqual(64);
    }),
    { numRuns: 1000 },
  );
});

function numbersOf({ observations, retryAfterMs }: HeaderReading): number[] {
  const all = observations.flatMap(({ limit, remaining, resetInMs, windowMs }) => [limit, remaining, resetInMs, windowMs]);
  return [...all, retryAfterMs].filter((number) => number !== null);
}
