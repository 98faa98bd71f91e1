import { Channel } from '@grpc/grpc-js';
import { createClient } from 'nice-grpc';
import { KeyLeaseServiceDefinition } from '../../../src/generated/keylease/v1/key_lease_service.ts';
import { type Attack, hasTime, seeded } from '../attack.ts';

/** The pool that liars draw on; it has its own keys. */
export const LIARS_POOL = 'liars';

const NAMES = [
  ...['requests', 'tokens', 'input-tokens', 'output-tokens'].flatMap((what) =>
    ['limit', 'remaining', 'reset'].map((field) => `anthropic-ratelimit-${what}-${field}`),
  ),
  ...['retry-after', 'retry-after-ms', 'date', 'anthropic-organization-id', 'x-ratelimit-reset-requests', '__proto__', ''],
];

const VALUES = [
  ...['\u0000', '1e309', '-1', '-1e309', 'Infinity', '-Infinity', 'NaN', '0', '-0', '1e-320', '9007199254740993', '9'.repeat(400)],
  ...['2999-01-01T00:00:00Z', '+275760-09-13T00:00:00Z', '0000-00-00T00:00:00Z', '1970-01-01T00:00:00Z', 'Fri, 31 Dec 9999 23:59:59 GMT'],
  ...['99999999999h', '1h-1m', '6m0s', '0x7fffffff', '1,5', ' 5 ', '5;5', '\r\nx: y', '٣', '😀', '', 'a'.repeat(2_000)],
];

/** Reports whose headers are nonsense, on the leases of a pool of their own. */
export const fuzzedReports: Attack = {
  name: 'fuzzed reports',
  count: 20_000,
  async run({ address, credentials }, budget, count) {
    const channel = new Channel(address, credentials, { 'grpc.enable_channelz': 0, 'grpc.use_local_subchannel_pool': 1 });
    const leases = createClient(KeyLeaseServiceDefinition, channel);
    const random = seeded(5);
    const draw = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T;
    let reported = 0;
    const one = async () => {
      const acquired = await leases.acquireKey({ pool: LIARS_POOL }).catch(() => undefined);
      // Without a lease, for the pool may be exhausted by what was reported, a lease id that there is not.
      const leaseId = acquired?.lease?.leaseId ?? 'none';
      const headers = Object.fromEntries(Array.from({ length: 1 + Math.floor(random() * 12) }, () => [draw(NAMES), draw(VALUES)]));
      const statusCode = draw([200, 200, 400, 401, 429, 500, 529]);
      await leases.reportHeaders({ leaseId, statusCode, headers, errorBody: draw(VALUES) }).catch(() => {});
      reported += 1;
    };
    while (reported < count && hasTime(budget)) await Promise.all(Array.from({ length: 8 }, one));
    channel.close();
    return `${reported} reports`;
  },
};
