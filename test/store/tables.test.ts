import { expect, test } from 'vitest';
import { PoolTables } from '../../src/store/pool-tables.ts';
import { Tables } from '../../src/store/tables.ts';
import { makeKey, makeLease, makeRequest } from './records.ts';

test('no index remembers a key or group that has no lease', () => {
  const pool = new PoolTables();
  pool.putLease(makeLease({ id: 'a', keyId: 'k1', group: 'g1' }));
  pool.putLease(makeLease({ id: 'a', keyId: 'k1', group: 'g2' }));
  expect([pool.leasesByKey.size, pool.leasesByGroup.size]).toEqual([1, 1]);
  pool.endLease('a');
  expect([pool.leases.size, pool.leasesByKey.size, pool.leasesByGroup.size]).toEqual([0, 0, 0]);
});

test('however many request records are past their time, one change pays for few, and all go in the end', () => {
  const tables = new Tables();
  const requests = Array.from({ length: 1_000 }, (_, n) => makeRequest({ requestId: `r${n}`, forgetTime: n }));
  for (const request of requests) tables.putRequest('p', request);
  expect(tables.forget(2_000)).toHaveLength(8);
  for (let change = 0; change < 1_000 / 8; change++) tables.forget(2_000);
  expect(tables.pool('p').requests.size).toBe(0);
  expect(tables.forget(2_000)).toEqual([]);
});

test('the oldest request record goes first, and one that was prolonged stays', () => {
  const tables = new Tables();
  for (const [requestId, forgetTime] of [
    ['late', 30],
    ['early', 10],
    ['prolonged', 20],
    ['prolonged', 90],
  ] as const) {
    tables.putRequest('p', makeRequest({ requestId, forgetTime }));
  }
  expect(tables.forget(50).map((forgotten) => forgotten.requestId)).toEqual(['early', 'late']);
  expect([...tables.pool('p').requests.values()].map((request) => request.requestId)).toEqual(['prolonged']);
  expect(tables.forget(90).map((forgotten) => forgotten.requestId)).toEqual(['prolonged']);
});

test('the record that a change carries is not altered', () => {
  const key = Object.freeze(makeKey());
  new Tables().apply({ pool: 'p', keys: [key] });
  expect(key.version).toBe(0);
});
