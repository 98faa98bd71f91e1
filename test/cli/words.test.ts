import { describe, expect, test } from 'vitest';
import { counted, number, plain, relative, span, toDuration, word } from '../../src/cli/words.ts';
import { after } from './make.ts';
import { NOW } from './run-cli.ts';

describe('words', () => {
  test.each([
    [0, '0ms'],
    [250, '250ms'],
    [1_000, '1s'],
    [1_001, '2s'],
    [59_999, '1m'],
    [90_000, '1m 30s'],
    [3_600_000, '1h'],
    [3_660_000, '1h 1m'],
    [90_061_000, '1d 1h'],
  ])('a span of %d ms is %s', (ms, expected) => {
    expect(span(ms)).toBe(expected);
  });

  test.each([
    [16, 'in 16s'],
    [0.7, 'in 1s'],
    [0, 'now'],
    [-0.4, 'now'],
    [-180, '3m ago'],
  ])('a moment %d seconds from now reads "%s"', (seconds, expected) => {
    expect(relative(after(seconds), NOW)).toBe(expected);
  });

  test('an unset moment is empty', () => {
    expect(relative(undefined, NOW)).toBe('');
  });

  test('numbers have their thousands apart and agree with their noun', () => {
    expect([number(29_987), counted(1, 'key'), counted(3, 'key')]).toEqual(['29,987', '1 key', '3 keys']);
  });

  test('an enum name loses its prefix, and an unspecified one is empty', () => {
    expect([word('VERDICT_', 'VERDICT_RATE_LIMITED'), word('VERDICT_', 'VERDICT_UNSPECIFIED')]).toEqual(['rate limited', '']);
  });

  test('text of others cannot steer the terminal', () => {
    expect(plain('a\x1b[2Jb\nc')).toBe('a [2Jb c');
  });

  test('milliseconds become a protobuf Duration', () => {
    expect(toDuration(1_500)).toEqual({ seconds: 1, nanos: 500_000_000 });
  });
});
