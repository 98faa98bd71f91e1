import { setTimeout as sleep } from 'node:timers/promises';
import { type Allowance, admit, openAllowance, rateLimitHeaders, writeOutput } from '../../src/cli/demo/allowance.ts';
import { seededRandom } from '../../src/cli/demo/load.ts';
import { withServices } from '../../src/cli/session.ts';

const LIMITS = { requests: 600, inputTokens: 240_000, outputTokens: 60_000 };

const keysOf = (names: readonly string[], settings = {}) =>
  names.map((id) => ({
    id,
    secret: `stand-in-secret-${id}`,
    limits: { requests: 600, input_tokens: 240_000, output_tokens: 60_000 },
    ...settings,
  }));

/** Three pools, of which the first has something of everything. */
export const LIVELY = {
  listen: '127.0.0.1:0',
  ops: { listen: '127.0.0.1:0' },
  store: { kind: 'memory' },
  pools: [
    {
      id: 'chat',
      provider: 'anthropic',
      waiting: { max_wait: '20s' },
      keys: [
        ...keysOf(['platform-1', 'platform-2'], { limit_group: 'org-platform' }),
        ...keysOf(['research', 'partner', 'legacy', 'batch']),
        ...keysOf(['spare'], { priority: -1 }),
        ...keysOf(['moving-out']),
      ],
    },
    { id: 'embeddings', provider: 'openai', strategy: 'power_of_two', keys: keysOf(['eu', 'us', 'apac']) },
    { id: 'evals', provider: 'groq', strategy: 'round_robin', keys: [{ id: 'only', secret: 'stand-in-secret-only' }] },
  ],
};

/** Lets callers come and go until stopped; answers once they did so for a while. */
export async function enliven(address: string, ms: number): Promise<() => void> {
  let stopped = false;
  const random = seededRandom(7);
  const allowances = new Map<string, Allowance>();
  const life = withServices(address, 5_000, async ({ leases, admin }) => {
    const lease = async (pool: string) =>
      leases.acquireKey({ pool, estimatedInputTokens: 900, estimatedOutputTokens: 300, maxWait: { seconds: 8, nanos: 0 } });
    const answer = async (group: string, leaseId: string, inputTokens: number) => {
      const requestTime = Date.now();
      await sleep(400 + random() * 2_600);
      const now = Date.now();
      const allowance = allowances.get(group) ?? openAllowance(LIMITS, 0.5, now);
      const admission = random() < 0.015 ? ({ admitted: false, retryAfterMs: 9_000 } as const) : admit(allowance, inputTokens, now);
      if (!admission.admitted) {
        const headers = { ...rateLimitHeaders(allowance, now, now), 'retry-after': String(Math.ceil(admission.retryAfterMs / 1_000)) };
        await leases.reportHeaders({
          leaseId,
          statusCode: 429,
          headers,
          requestTime: timestamp(requestTime),
          responseTime: timestamp(now),
        });
        return;
      }
      const outputTokens = 120 + Math.floor(random() * 300);
      allowances.set(group, writeOutput(admission.allowance, outputTokens, now));
      const headers = rateLimitHeaders(allowances.get(group) as Allowance, now, now);
      const usage = { inputTokens, outputTokens, cacheReadInputTokens: 0, cacheCreationInputTokens: 0 };
      await leases.reportHeaders({
        leaseId,
        statusCode: 200,
        headers,
        usage,
        requestTime: timestamp(requestTime),
        responseTime: timestamp(now),
      });
    };
    const caller = async (pool: string) => {
      while (!stopped) {
        const granted = await lease(pool).catch(() => null);
        if (granted === null) await sleep(500);
        else await answer(granted.lease!.keyId, granted.lease!.leaseId, 500 + Math.floor(random() * 900)).catch(() => {});
        await sleep(random() * 1_500);
      }
    };
    const sick = async (keyId: string, statusCode: number) => {
      const others = LIVELY.pools[0]!.keys.map(({ id }) => id).filter((id) => id !== keyId && id !== 'spare');
      const { lease: held } = await leases.acquireKey({ pool: 'chat', excludeKeyIds: others });
      await leases.reportHeaders({ leaseId: held!.leaseId, statusCode });
    };
    await sick('legacy', 401);
    await leases.acquireKey({
      pool: 'chat',
      excludeKeyIds: ['platform-1', 'platform-2', 'research', 'partner', 'legacy', 'batch', 'spare'],
    });
    await admin.drainKey({ pool: 'chat', keyId: 'moving-out' });
    await Promise.all([...Array.from({ length: 70 }, () => caller('chat')), ...Array.from({ length: 6 }, () => caller('embeddings'))]);
  });
  life.catch((error: unknown) => process.stderr.write(`${error}\n`));
  await sleep(ms);
  return () => {
    stopped = true;
  };
}

function timestamp(ms: number) {
  return { seconds: Math.floor(ms / 1_000), nanos: (ms % 1_000) * 1_000_000 };
}
