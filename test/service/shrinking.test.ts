import { expect, test } from 'vitest';
import { keyOf, onePool, startTestApp } from '../support/app.ts';

test.each([
  {
    what: 'a dead credential',
    status: 401,
    body: 'invalid x-api-key',
    told: [{ key: 'a', verdict: 'invalid_credential', available: 1, keys: 2 }],
  },
  { what: 'an account without money', status: 402, body: 'billing_error', told: [{ key: 'a', verdict: 'billing', available: 1, keys: 2 }] },
  { what: 'a rate limit, which passes', status: 429, body: 'rate_limit_error', told: [] },
  { what: 'a wrong request', status: 400, body: 'invalid_request_error', told: [] },
])('the log says when a pool shrinks: $what', async ({ status, body, told }) => {
  const { leases, log } = await startTestApp({ config: onePool([keyOf('a'), keyOf('b')]) });
  const { lease } = await leases.acquireKey({ excludeKeyIds: ['b'] });
  await leases.reportHeaders({ leaseId: lease?.leaseId ?? '', statusCode: status, errorBody: body });
  const shrunk = log.filter((line) => line.msg === 'the pool is smaller: this key, or its limit group, is out');
  expect(shrunk).toMatchObject(told);
  expect(shrunk).toHaveLength(told.length);
});
