import { expect, test } from 'vitest';
import { UnhealthyReason } from '../../src/generated/keylease/v1/key.ts';
import { keyOf, onePool, startTestApp } from '../support/app.ts';

const SECRET = 'sk-ant-api03-Hf83kQ';
const KEYS = [keyOf('a', { secret: SECRET }), keyOf('b', { secret: `${SECRET}-b` }), keyOf('c', { secret: '4242' })];
const on = (keyId: string) => ({ excludeKeyIds: ['a', 'b', 'c'].filter((id) => id !== keyId) });

test('a mark for people shows the names of secrets in the place of the secrets', async () => {
  const { leases, admin } = await startTestApp({ config: onePool(KEYS) });
  const mark = { pool: 'default', target: { $case: 'keyId', value: 'a' }, reason: UnhealthyReason.UNHEALTHY_REASON_OPERATOR } as const;
  await leases.markUnhealthy({ ...mark, message: `${SECRET} is dead, as ${SECRET} was on 4242` });
  expect((await admin.getKey({ keyId: 'a' })).key?.message).toBe('[secret default/a] is dead, as [secret default/a] was on 4242');
});

test('a header that tells the secret of its key is as if it had not come; all others are learnt', async () => {
  const { leases } = await startTestApp({ config: onePool(KEYS) });
  const { lease } = await leases.acquireKey(on('a'));
  const headers = {
    'anthropic-organization-id': SECRET,
    'anthropic-ratelimit-requests-limit': '77',
    'anthropic-ratelimit-requests-remaining': '76',
  };
  const { key, ignoredHeaders } = await leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 200, headers });
  expect(key).toMatchObject({ limitGroup: 'a', limits: [{ limit: 77 }] });
  expect(ignoredHeaders).toEqual([]);
});

test('a secret that is very short may be a part of any header', async () => {
  const { leases } = await startTestApp({ config: onePool(KEYS) });
  const { lease } = await leases.acquireKey(on('c'));
  const headers = { 'anthropic-ratelimit-requests-limit': '4242', 'anthropic-ratelimit-requests-remaining': '4242' };
  const { key } = await leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 200, headers });
  expect(key?.limits).toMatchObject([{ limit: 4242 }]);
});
