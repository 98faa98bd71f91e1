import { expect, test } from 'vitest';
import { steadyClock } from '../../src/store/clock.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { storeContract } from './contract.ts';

storeContract('memory', (time) => memoryStore({ clock: steadyClock(0, time.wall, time.monotonic) }));

test('the memory store makes its installation key from the randomness it is given', () => {
  expect(memoryStore({ random: (size) => new Uint8Array(size).fill(7) }).installationKey).toEqual(new Uint8Array(32).fill(7));
});
