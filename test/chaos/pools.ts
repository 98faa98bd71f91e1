import type { Bounds } from './checker.ts';

/** The longest lease: learning takes no longer. */
export const LEASE_MAX_MS = 4_000;

/** How long the leases last that clients ask for. */
const LEASE_MS = 1_000;

const SLOTS = 3;
const REQUESTS = { limit: 30, windowMs: 20_000 };
const TOKENS = { limit: 10_000_000, windowMs: 31 * 86_400_000 };
const TOKENS_EACH = 10;

/** What the checker holds the replicas to; the same numbers as in their configuration. */
export const BOUNDS: Readonly<Record<string, Bounds>> = {
  slots: { leases: SLOTS },
  window: { requests: REQUESTS },
  usage: { tokensEach: TOKENS_EACH },
};

export const POOLS = Object.keys(BOUNDS);
export const USAGE = { pool: 'usage', tokens: TOKENS, tokensEach: TOKENS_EACH };

const written = ({ limit, windowMs }: { limit: number; windowMs: number }) => ({ limit, window: `${windowMs / 1_000}s` });

function pool(id: string, keys: number, settings: Record<string, unknown>): unknown {
  const secret = 'a-secret-of-chaos';
  return {
    ...{ id, provider: 'generic', lease: { ttl: `${LEASE_MS}ms`, max_ttl: `${LEASE_MAX_MS}ms` } },
    keys: Array.from({ length: keys }, (_, place) => ({ id: `${id}-${place + 1}`, secret: `${secret}-${id}-${place}`, ...settings })),
  };
}

/** What each replica serves: one pool whose leases bind, one whose allowance binds, one whose use is counted to the token. */
export function configOf(store: unknown): unknown {
  return {
    ...{ listen: '127.0.0.1:0', ops: false, store },
    pools: [
      pool('slots', 2, { max_leases: SLOTS }),
      pool('window', 2, { max_leases: 100_000, limits: { requests: written(REQUESTS) } }),
      pool('usage', 1, { max_leases: 100_000, limits: { input_tokens: written(TOKENS) } }),
    ],
  };
}
