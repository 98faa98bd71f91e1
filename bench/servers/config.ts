import type { Config } from '../../src/config/config.ts';
import { formatMistake } from '../../src/config/mistake.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { strategyNames } from '../../src/pool/strategy/index.ts';
import { providerNames } from '../../src/provider/index.ts';

export const POOL = 'bench';

const KEYS = 20;

/** So large that nothing is refused, and yet every limit is looked at. */
const PLENTY = 10 ** 12;

/** One pool of twenty keys, or so many, with a configured limit in each dimension, in memory, on a free loopback port. */
export function benchConfig(count = KEYS): Config {
  const limits = { requests: PLENTY, input_tokens: PLENTY, output_tokens: PLENTY };
  const keys = Array.from({ length: count }, (_, i) => ({
    id: `key-${String(i + 1).padStart(2, '0')}`,
    secret: `a-secret-of-usual-length-for-the-bench-${i}`,
    max_leases: 1_000_000,
    limits,
  }));
  const content = {
    listen: '127.0.0.1:0',
    ops: false,
    store: { kind: 'memory' },
    drain_timeout: '0s',
    pools: [{ id: POOL, provider: 'anthropic', lease: { ttl: '1h', max_ttl: '1h' }, keys }],
  };
  const reading = parseConfig(JSON.stringify(content), 'bench', {
    strategies: strategyNames,
    providers: providerNames,
    env: {},
    readFile: () => ({ ok: false, problem: 'no file is read here' }),
  });
  if (!reading.ok) throw new Error(reading.mistakes.map(formatMistake).join('\n'));
  return reading.config;
}
