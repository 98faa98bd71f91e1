import { describe, expect, test } from 'vitest';
import type { Verdict, VerdictScope } from '../../src/pool/upstream.ts';
import { SECOND } from '../support/clock.ts';
import { World } from '../support/world.ts';

/** Two keys of one organization and one of another; a lease on the first of them is answered with the verdict. */
function answeredWith(verdict: Verdict, scope: VerdictScope, waitMs: number | null = 16 * SECOND) {
  const world = new World({ keys: [{ id: 'a', limitGroup: 'org' }, { id: 'b', limitGroup: 'org' }, { id: 'c' }] });
  world.report(world.lease({ modelClass: 'opus', excluded: new Set(['b', 'c']) }), { judgement: { verdict, scope, waitMs }, status: 429 });
  return world;
}

const UNTIL = new World().now + 16 * SECOND;

describe('a verdict acts where it belongs, and each scope shows its own state and end', () => {
  test.each<{ verdict: Verdict; scope: VerdictScope; blocks: object[]; openToOpus: string[]; openToHaiku: string[] }>([
    {
      verdict: 'client_error',
      scope: 'request',
      blocks: [],
      openToOpus: ['a', 'b', 'c'],
      openToHaiku: ['a', 'b', 'c'],
    },
    {
      verdict: 'forbidden',
      scope: 'key_model',
      blocks: [{ scope: 'key_model', modelClass: 'opus', state: 'unhealthy', reason: 'permission_denied', availableTime: UNTIL }],
      openToOpus: ['b', 'c'],
      openToHaiku: ['a', 'b', 'c'],
    },
    {
      verdict: 'rate_limited',
      scope: 'key',
      blocks: [{ scope: 'key', modelClass: '', state: 'cooldown', reason: 'rate_limited', availableTime: UNTIL }],
      openToOpus: ['b', 'c'],
      openToHaiku: ['b', 'c'],
    },
    {
      verdict: 'rate_limited',
      scope: 'limit_group',
      blocks: [{ scope: 'limit_group', modelClass: 'opus', state: 'cooldown', reason: 'rate_limited', availableTime: UNTIL }],
      openToOpus: ['c'],
      openToHaiku: ['a', 'b', 'c'],
    },
    {
      verdict: 'billing',
      scope: 'limit_group',
      blocks: [{ scope: 'limit_group', modelClass: '', state: 'unhealthy', reason: 'billing', availableTime: UNTIL }],
      openToOpus: ['c'],
      openToHaiku: ['c'],
    },
    {
      verdict: 'overloaded',
      scope: 'provider',
      blocks: [{ scope: 'provider', modelClass: 'opus', state: 'cooldown', reason: 'overloaded', availableTime: UNTIL }],
      openToOpus: [],
      openToHaiku: ['a', 'b', 'c'],
    },
  ])('$verdict of scope $scope', ({ verdict, scope, blocks, openToOpus, openToHaiku }) => {
    const world = answeredWith(verdict, scope);
    expect(world.view('a').blocks).toMatchObject(blocks);
    expect(world.view('a').blocks).toHaveLength(blocks.length);
    const open = (modelClass: string) => ['a', 'b', 'c'].filter((id) => world.fork().keyFor({ modelClass, excluded: others(id) }) === id);
    expect(open('opus')).toEqual(openToOpus);
    expect(open('haiku')).toEqual(openToHaiku);
  });

  test('what is over is not shown, and a probation is shown as one', () => {
    expect(
      answeredWith('rate_limited', 'key')
        .advance(16 * SECOND)
        .view('a').blocks,
    ).toEqual([]);
    const probation = answeredWith('forbidden', 'key_model').advance(16 * SECOND);
    expect(probation.view('a').blocks).toMatchObject([{ state: 'probation', availableTime: null }]);
  });
});

function others(id: string): ReadonlySet<string> {
  return new Set(['a', 'b', 'c'].filter((each) => each !== id));
}
