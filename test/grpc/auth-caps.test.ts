import { type Client, createChannel, createClientFactory, Metadata } from 'nice-grpc';
import { errorDetailsClientMiddleware } from 'nice-grpc-error-details';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KeyLeaseServiceDefinition } from '../../src/generated/keylease/v1/key_lease_service.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { type ConfigContent, keyOf, onePool } from '../support/app.ts';
import { type AuthApp, makePapers, type Papers, startWithPapers, writeConfig } from '../support/auth-app.ts';
import { type Refused, refusalOf, retryMs } from './refusal.ts';

type Leases = Client<KeyLeaseServiceDefinition>;

let papers: Papers;
let writes = 0;
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  papers = await makePapers();
  cleanups.push(() => papers.remove());
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A memory store that counts the changes that are more than nothing. */
function countingStore(): Store {
  const store = memoryStore();
  writes = 0;
  store.onChange(() => {
    writes += 1;
  });
  return store;
}

const configOf = (caps: ConfigContent, key: ConfigContent = {}): ConfigContent => ({
  ...onePool([keyOf('a', key)], { waiting: { max_wait: '10s' } }),
  auth: { tokens: { file: 'tokens.yaml' } },
  access: [
    { holders: ['capped'], verbs: ['acquire', 'report', 'mark'], caps },
    { holders: ['free'], verbs: ['acquire'] },
  ],
});

async function started(config: ConfigContent): Promise<AuthApp & { capped: Leases; free: Leases; revoke: () => void }> {
  const [capped, free] = [papers.addToken('capped'), papers.addToken('free')];
  const auth = await startWithPapers(papers, config, { store: countingStore() });
  cleanups.push(() => auth.app.close());
  const revoke = () => papers.removeToken(capped);
  return { ...auth, capped: clientOf(auth, capped), free: clientOf(auth, free), revoke };
}

function clientOf({ app }: AuthApp, token: string): Leases {
  const channel = createChannel(app.addresses[0] as string);
  cleanups.push(() => channel.close());
  const metadata = Metadata({ authorization: `Bearer ${token}` });
  return createClientFactory().use(errorDetailsClientMiddleware).create(KeyLeaseServiceDefinition, channel, { '*': { metadata } });
}

const limited = (refused: Refused) => [
  refused.status,
  refused.errorInfo?.reason,
  refused.errorInfo?.metadata.cap,
  refused.errorInfo?.metadata.limit,
];

test('max_leases: the lease beyond it is refused without a write, and one given back makes room', async () => {
  const { capped, free } = await started(configOf({ max_leases: 2 }));
  const { lease } = await capped.acquireKey({});
  await capped.acquireKey({});
  const before = writes;
  const refused = await refusalOf(capped.acquireKey({}));
  expect(limited(refused)).toEqual(['RESOURCE_EXHAUSTED', 'HOLDER_LIMITED', 'max_leases', '2']);
  expect(retryMs(refused)).toBe(1_000);
  expect(writes).toBe(before);
  await free.acquireKey({});
  await capped.releaseLease({ leaseId: lease!.leaseId });
  await capped.acquireKey({});
});

test('max_leases is exact where many ask at once', async () => {
  const { capped } = await started(configOf({ max_leases: 7 }));
  const outcomes = await Promise.allSettled(Array.from({ length: 40 }, () => capped.acquireKey({})));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(7);
});

test('max_leases: a repeated request gets its lease again, not a refusal', async () => {
  const { capped } = await started(configOf({ max_leases: 1 }));
  const first = await capped.acquireKey({ requestId: 'r' });
  expect((await capped.acquireKey({ requestId: 'r' })).lease).toEqual(first.lease);
});

test('requests_per_second: the call beyond the burst is refused without a write, and told when to come back', async () => {
  const { capped, free } = await started(configOf({ requests_per_second: 1, burst: 2 }));
  await capped.acquireKey({});
  await capped.acquireKey({});
  const before = writes;
  const refused = await refusalOf(capped.acquireKey({}));
  expect(limited(refused)).toEqual(['RESOURCE_EXHAUSTED', 'HOLDER_LIMITED', 'requests_per_second', '1']);
  expect(retryMs(refused)).toBeGreaterThan(0);
  expect(writes).toBe(before);
  await free.acquireKey({});
});

test('max_waiters and max_in_flight: the second call in line is refused at once', async () => {
  const full = { max_leases: 1 };
  for (const [caps, cap] of [
    [{ max_waiters: 1 }, 'max_waiters'],
    [{ max_in_flight: 1 }, 'max_in_flight'],
  ] as const) {
    const { capped, free } = await started(configOf(caps, full));
    const { lease } = await free.acquireKey({});
    const waiting = capped.acquireKey({ maxWait: { seconds: 10, nanos: 0 } });
    const refused = await untilRefused(() => capped.acquireKey({ maxWait: { seconds: 0, nanos: 1_000_000 } }));
    expect(limited(refused)).toEqual(['RESOURCE_EXHAUSTED', 'HOLDER_LIMITED', cap, '1']);
    await free.releaseLease({ leaseId: lease!.leaseId });
    expect((await waiting).lease?.keyId).toBe('a');
  }
});

test('max_priority: a higher one is PERMISSION_DENIED, not lowered in silence', async () => {
  const { capped } = await started(configOf({ max_priority: 3 }));
  await capped.acquireKey({ priority: 3 });
  const refused = await refusalOf(capped.acquireKey({ priority: 4 }));
  expect([refused.status, refused.message]).toEqual(['PERMISSION_DENIED', 'this holder may ask for priorities up to 3, not 4']);
});

test.each([
  ['whose token is revoked', 'UNAUTHENTICATED', (_: ConfigContent, revoke: () => void) => revoke()],
  [
    'whose grant is gone',
    'PERMISSION_DENIED',
    (config: ConfigContent) => writeConfig(papers, { ...config, access: [{ holders: ['free'], verbs: ['acquire'] }] }),
  ],
])('a caller in line %s gets no key when its turn comes, and holds no lease', async (_, status, change) => {
  const config = configOf({ max_waiters: 1 }, { max_leases: 1 });
  const { app, capped, free, revoke } = await started(config);
  const { lease } = await free.acquireKey({});
  const waiting = refusalOf(capped.acquireKey({ maxWait: { seconds: 10, nanos: 0 } }));
  await untilRefused(() => capped.acquireKey({ maxWait: { seconds: 0, nanos: 1_000_000 } }));
  change(config, revoke);
  await app.reload();
  await free.releaseLease({ leaseId: lease!.leaseId });
  expect((await waiting).status).toBe(status);
  expect((await free.acquireKey({})).lease?.keyId).toBe('a');
});

/** Asks again until the refusal is about a cap: the call that is to stand in line may still be on its way. */
async function untilRefused(call: () => Promise<unknown>): Promise<Refused> {
  for (;;) {
    const refused = await refusalOf(call());
    if (refused.errorInfo?.reason === 'HOLDER_LIMITED') return refused;
  }
}
