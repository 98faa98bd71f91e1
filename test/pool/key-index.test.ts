/** Each acquire in a world is put to an index as well, and throws where the index answers otherwise than a look at every key. */
import { expect, test } from 'vitest';
import { SECOND } from '../support/clock.ts';
import { World } from '../support/world.ts';

const only = (keyId: 'a' | 'b') => ({ excluded: new Set([keyId === 'a' ? 'b' : 'a']) });

/** Two keys with a limit of a hundred requests over a window. */
const twoKeys = (windowMs: number) => {
  const limits = [{ dimension: 'requests' as const, limit: 100, windowMs }];
  return new World({
    keys: [
      { id: 'a', limits },
      { id: 'b', limits },
    ],
  });
};

test('a key to which room was given back is the best again at once', () => {
  const world = twoKeys(60 * SECOND);
  const big = world.lease({ ...only('a'), requests: 90 });
  world.lease({ ...only('b'), requests: 50 });
  expect(world.keyFor()).toBe('b');
  world.end(big, 'released');
  expect(world.keyFor()).toBe('a');
});

test('a key whose limit comes back within a second is the best again within that second', () => {
  const world = twoKeys(SECOND);
  world.end(world.lease({ ...only('a'), requests: 90 }), 'revoked');
  world.lease({ ...only('b'), requests: 50 });
  expect(world.keyFor()).toBe('b');
  world.advance(SECOND / 2 + 100);
  expect(world.keyFor()).toBe('a');
});

test('a key that is a little better than one to which room was given back is still found', () => {
  const world = twoKeys(60 * SECOND);
  world.lease({ ...only('a'), requests: 80 });
  const small = world.lease({ ...only('b'), requests: 1 });
  world.lease({ ...only('b'), requests: 87 });
  expect(world.keyFor()).toBe('a');
  world.end(small, 'released');
  expect(world.keyFor()).toBe('a');
});
