import { expect, test } from 'vitest';
import { nearest, unknownKey, unknownName } from '../../src/config/nearest.ts';

const KNOWN = ['strategy', 'secret', 'max_leases', 'ttl', 'id'];

test.each([
  ['strategi', 'strategy', 'a mistaken letter'],
  ['stratgy', 'strategy', 'a letter left out'],
  ['secrete', 'secret', 'a letter too many'],
  ['sercet', 'secret', 'two letters swapped'],
  ['maxLeases', 'max_leases', 'another way to join words'],
  ['max-leases', 'max_leases', 'a hyphen'],
  ['TTL', 'ttl', 'capitals'],
])('%s is near %s: %s', (name, near) => {
  expect(nearest(name, KNOWN)).toBe(near);
});

test.each(['', 'x', 'ix', 'password', 'telemetry', 'no', 's'.repeat(10_000)])('nothing is near %s', (name) => {
  expect(nearest(name, KNOWN)).toBeNull();
});

test('of several near names, the nearest is taken', () => {
  expect(nearest('limit', ['limits_', 'lint', 'limits'])).toBe('limits_');
  expect(nearest('lime', ['limits', 'line', 'lie'])).toBe('line');
});

test('an unknown key with a near one is answered with that one', () => {
  expect(unknownKey('strategi', KNOWN)).toBe("unknown key 'strategi': did you mean 'strategy'?");
});

test('an unknown key far from any is answered with all of them', () => {
  expect(unknownKey('telemetry', ['a', 'b'])).toBe("unknown key 'telemetry': known are a, b");
});

test('an unknown name is answered with all of them and the nearest', () => {
  expect(unknownName('provider', 'opnai', ['anthropic', 'openai'])).toBe(
    "unknown provider 'opnai': did you mean 'openai'? known are anthropic, openai",
  );
});

test('a name that may be a secret is not repeated', () => {
  expect(unknownKey('sk-ant-api03-x', ['a', 'b'])).toBe('unknown key: known are a, b');
});
