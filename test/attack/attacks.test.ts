import { expect, test } from 'vitest';
import { attacks } from './attacks/index.ts';
import { plaintextServer, tlsServer } from './server.ts';
import { besiege, type Outcome } from './siege.ts';

/** Far above what any of the attacks takes in this form, and far below what one would that is not bounded. */
const MEMORY_MIB_MAX = 600;

const SHORT = { share: 0.02, attackMs: 1_500, quietMs: 200, isFresh: false };

test.each([
  { over: 'plain text', server: plaintextServer },
  { over: 'TLS', server: tlsServer },
])('over $over no attack crashes the server, misleads another client, keeps it from answering or fills its memory', async ({ server }) => {
  const outcomes: Outcome[] = [];
  await besiege(server, attacks, SHORT, (outcome) => outcomes.push(outcome));
  expect(outcomes.map(({ name }) => name)).toEqual(attacks.map(({ name }) => name));
  const seen = outcomes.map(({ name, crash, wrong, worksAfter, memory }) => ({
    name,
    crash,
    wrong,
    worksAfter,
    isMemoryBounded: memory.peak < MEMORY_MIB_MAX,
  }));
  expect(seen).toEqual(attacks.map(({ name }) => ({ name, crash: '', wrong: [], worksAfter: true, isMemoryBounded: true })));
  expect(Math.min(...outcomes.map(({ calls }) => calls))).toBeGreaterThan(0);
});
