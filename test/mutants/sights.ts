import type { Mutant } from './mutant.ts';

/** What operators see. */
export const sights: readonly Mutant[] = [
  {
    name: 'a page from elsewhere reads the dashboard through a name of its own',
    file: 'src/ops/guard.ts',
    find: 'return isLoopback && !namesThisMachine',
    replace: 'return false && !namesThisMachine',
    tests: ['test/ops/guard.test.ts'],
  },
  {
    name: 'any token opens the operations page',
    file: 'src/ops/guard.ts',
    find: 'isSecret(token, credentialIn(headers.authorization))',
    replace: "credentialIn(headers.authorization) !== ''",
    tests: ['test/ops/guard.test.ts'],
  },
  {
    name: 'a grant of more than was left goes uncounted',
    file: 'src/service/measured-store.ts',
    find: 'heldOn(meter, lease, pool.provider.counting) > 0 && roomAt(meter, now) < -NEGLIGIBLE',
    replace: 'roomAt(meter, now) < -meter.limit',
    tests: ['test/service/measured-store.test.ts'],
  },
  {
    name: 'a limit that a response told to be used up counts as granted too often',
    file: 'src/service/measured-store.ts',
    find: 'heldOn(meter, lease, pool.provider.counting) > 0 && ',
    replace: '',
    tests: ['test/service/measured-store.test.ts'],
  },
  {
    name: 'a pool that a caller made up becomes a series',
    file: 'src/service/counted.ts',
    find: 'counts.poolless += 1;',
    replace: "counts.of(call.pool).acquired('not_found');",
    tests: ['test/ops/metrics/metrics.test.ts'],
  },
  {
    name: 'a repeated request id counts as another grant',
    file: 'src/service/counted.ts',
    find: "return answer.value.lease.acquireTime < askedTime ? 'repeated' : 'granted';",
    replace: "return askedTime < 0 ? 'repeated' : 'granted';",
    tests: ['test/ops/metrics/metrics.test.ts'],
  },
  {
    name: 'the log shows leases as they are',
    file: 'src/ops/call-log.ts',
    find: 'leaseHash(leaseId),',
    replace: 'leaseId,',
    tests: ['test/ops/call-log.test.ts'],
  },
  {
    name: 'a refused call is logged as often as it is sent',
    file: 'src/ops/call-log.ts',
    find: 'if (lines > FAILED_LINES_MAX) {',
    replace: 'if (lines > 1_000_000) {',
    tests: ['test/ops/call-log.test.ts'],
  },
  {
    name: 'a span hangs on a trace that is malformed',
    file: 'src/ops/telemetry/traceparent.ts',
    find: ' || /^0+$/.test(traceId)',
    replace: '',
    tests: ['test/ops/telemetry/traceparent.test.ts'],
  },
  {
    name: 'a large pool has a series for each of its keys',
    file: 'src/ops/metrics/gauges.ts',
    find: 'pool.keys.length <= this.#keysShownMax',
    replace: 'pool.keys.length >= 0',
    tests: ['test/ops/metrics/metrics.test.ts'],
  },
  {
    name: 'any number of pages may be open',
    file: 'src/ops/dashboard/live.ts',
    find: 'this.#clients.size >= CLIENTS_MAX',
    replace: 'this.#clients.size >= CLIENTS_MAX * 100',
    tests: ['test/ops/dashboard/live.test.ts'],
  },
];
