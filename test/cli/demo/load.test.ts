import { describe, expect, test } from 'vitest';
import { questions, seededRandom } from '../../../src/cli/demo/load.ts';

const first = (count: number, seed: number, client: number) => Array.from({ length: count }, questions(seed, client));

describe('the load', () => {
  test('is the same for the same seed and client, and another one for others', () => {
    expect(first(20, 1, 0)).toEqual(first(20, 1, 0));
    expect(first(20, 1, 0)).not.toEqual(first(20, 1, 1));
    expect(first(20, 1, 0)).not.toEqual(first(20, 2, 0));
  });

  test('asks for 500 to 2,499 input and 100 to 499 output tokens', () => {
    const asked = first(2_000, 7, 3);
    const inputs = asked.map((question) => question.inputTokens);
    const outputs = asked.map((question) => question.maxTokens);
    expect([Math.min(...inputs) >= 500, Math.max(...inputs) < 2_500, Math.min(...outputs) >= 100, Math.max(...outputs) < 500]).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(new Set(inputs).size).toBeGreaterThan(500);
  });

  test('draws evenly from [0, 1)', () => {
    const random = seededRandom(1);
    const drawn = Array.from({ length: 10_000 }, random);
    const mean = drawn.reduce((sum, value) => sum + value) / drawn.length;
    expect(mean).toBeCloseTo(0.5, 1);
    expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
  });
});
