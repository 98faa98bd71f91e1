import { onTestFinished } from 'vitest';
import { createKeyLease, type KeyLease, leasedFetch } from '../../src/client/index.ts';
import type { Stage } from '../client/stage.ts';

export interface LeasedProgram {
  readonly client: KeyLease;
  /** For the constructor of an SDK. */
  readonly fetch: typeof fetch;
}

/** Starts the stage over with a pool of so many keys, and connects a program to it. */
export async function leasedProgram(
  stage: Stage,
  pool: { provider: string; keys?: number; limits?: object },
  script: object = {},
): Promise<LeasedProgram> {
  const keys = Array.from({ length: pool.keys ?? 2 }, (_, place) => `k${place + 1}`);
  const pools = [
    {
      ...{ id: 'default', provider: pool.provider, strategy: (pool.keys ?? 2) > 2 ? 'least_loaded' : 'fill_first' },
      ...{ waiting: { max_wait: '60s' }, keys: keys.map((id) => ({ id, secret: `secret-of-${id}`, limits: pool.limits ?? {} })) },
    },
  ];
  await stage.reset({ pools, ...script });
  const client = createKeyLease({ address: stage.grpc });
  onTestFinished(() => client.close());
  return { client, fetch: leasedFetch(client, { hosts: [stage.host], maxWaitMs: 60_000 }) };
}
