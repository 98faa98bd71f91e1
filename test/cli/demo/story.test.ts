import { describe, expect, test } from 'vitest';
import { tellChanges } from '../../../src/cli/demo/story.ts';
import { Dimension, KeyState, type KeyStatus, LimitSource, UnhealthyReason } from '../../../src/generated/keylease/v1/key.ts';
import { after, makeKey, makeLimit } from '../make.ts';
import { NOW } from '../run-cli.ts';

const keys = (...all: readonly Partial<KeyStatus>[]) => new Map(all.map((key) => [key.keyId!, makeKey(key)]));
const limits = [makeLimit({ dimension: Dimension.DIMENSION_REQUESTS, limit: 600 }), makeLimit({ limit: 600_000 })];
const overloaded = { state: KeyState.KEY_STATE_COOLDOWN, reason: UnhealthyReason.UNHEALTHY_REASON_OVERLOADED, availableTime: after(1) };

interface Row {
  readonly rule: string;
  readonly before: ReadonlyMap<string, KeyStatus>;
  readonly after: ReadonlyMap<string, KeyStatus>;
  readonly told: readonly string[];
}

describe('tellChanges', () => {
  test.each<Row>([
    { rule: 'says nothing where nothing happened', before: keys({ keyId: 'a' }), after: keys({ keyId: 'a', activeLeases: 3 }), told: [] },
    {
      rule: 'tells limits when they are first learnt',
      before: keys({ keyId: 'a', limitGroup: 'a' }),
      after: keys({ keyId: 'a', limitGroup: 'a', limits }),
      told: ['limits learnt from the headers of a: 600 requests, 600,000 input tokens a minute'],
    },
    {
      rule: 'does not tell them again',
      before: keys({ keyId: 'a', limits }),
      after: keys({ keyId: 'a', limits: [...limits] }),
      told: [],
    },
    {
      rule: 'does not take a configured limit for a learnt one',
      before: keys({ keyId: 'a' }),
      after: keys({ keyId: 'a', limits: [makeLimit({ source: LimitSource.LIMIT_SOURCE_CONFIGURED })] }),
      told: [],
    },
    {
      rule: 'tells when keys turn out to share a limit group',
      before: keys({ keyId: 'a', limitGroup: 'a' }, { keyId: 'b', limitGroup: 'b' }),
      after: keys({ keyId: 'a', limitGroup: 'org' }, { keyId: 'b', limitGroup: 'org' }),
      told: ['a and b turn out to be one organization: one allowance, not several'],
    },
    {
      rule: 'tells what happens to several keys at once in one sentence',
      before: keys({ keyId: 'a', limitGroup: '1' }, { keyId: 'b', limitGroup: '2' }),
      after: keys({ keyId: 'a', limitGroup: '1', ...overloaded }, { keyId: 'b', limitGroup: '2', ...overloaded }),
      told: ['a, b: cooldown (overloaded), available in 1s'],
    },
    {
      rule: 'tells when a key is back',
      before: keys({ keyId: 'a', ...overloaded }),
      after: keys({ keyId: 'a' }),
      told: ['a: available again'],
    },
  ])('$rule', ({ before, after: later, told }) => {
    expect(tellChanges(before, later, NOW).map((sentence) => sentence.text)).toEqual(told);
  });

  test('takes a cooldown for routine, and an illness for news', () => {
    const sick = { state: KeyState.KEY_STATE_UNHEALTHY, reason: UnhealthyReason.UNHEALTHY_REASON_INVALID_CREDENTIAL };
    const before = keys({ keyId: 'a', limitGroup: '1' }, { keyId: 'b', limitGroup: '2' });
    const later = keys({ keyId: 'a', limitGroup: '1', ...overloaded }, { keyId: 'b', limitGroup: '2', ...sick });
    expect(tellChanges(before, later, NOW)).toEqual([
      { text: 'b: unhealthy (invalid credential)', routine: false },
      { text: 'a: cooldown (overloaded), available in 1s', routine: true },
    ]);
  });
});
