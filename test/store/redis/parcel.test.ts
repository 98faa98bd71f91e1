import { expect, test } from 'vitest';
import type { Change } from '../../../src/pool/model.ts';
import { argumentsOf, recordsIn } from '../../../src/store/redis/message.ts';
import { Mirror } from '../../../src/store/redis/mirror.ts';
import { parcelsOf } from '../../../src/store/redis/parcel.ts';
import { FRESH_POOL } from '../../../src/store/store.ts';
import { makeGroup, makeKey, makeLease, makeRequest, makeUsage } from '../records.ts';

/** Shows changes one after another, stamped s1, s2 and so on, and sorts them as one batch. */
function sorted(changes: readonly Omit<Change, 'pool'>[]) {
  const mirror = new Mirror('p');
  return parcelsOf(changes.map((change, n) => mirror.show({ pool: 'p', ...change }, `s${n + 1}`)!));
}

const key = (id: string, version = 0) => makeKey({ id, version });

test.each<{ rule: string; changes: readonly Omit<Change, 'pool'>[]; parcels: readonly (readonly string[])[] }>([
  { rule: 'changes of different records go separately', changes: [{ keys: [key('a')] }, { keys: [key('b')] }], parcels: [['s1'], ['s2']] },
  { rule: 'changes of one record go together', changes: [{ keys: [key('a')] }, { keys: [key('a', 1)] }], parcels: [['s1', 's2']] },
  {
    rule: 'a change of two records binds those of either',
    changes: [{ keys: [key('a')] }, { keys: [key('b')] }, { keys: [key('c')] }, { keys: [key('a', 1), key('b', 1)] }],
    parcels: [['s1', 's2', 's4'], ['s3']],
  },
  {
    rule: 'leases of one limit group go together',
    changes: [{ leases: [makeLease({ id: 'x' })] }, { leases: [makeLease({ id: 'y' })] }],
    parcels: [['s1', 's2']],
  },
])('$rule', ({ changes, parcels }) => {
  expect(sorted(changes).map(({ changes }) => changes.map(({ stamp }) => stamp))).toEqual(parcels);
});

test('a record that changes several times is told once: on the stamp that was read first, as it is in the end', () => {
  const [parcel] = sorted([{ keys: [key('a')] }, { keys: [key('a', 1)] }, { keys: [key('a', 2)] }]);
  expect([...parcel!.records.values()]).toMatchObject([{ id: 'a', expected: '', stamp: 's3', record: { version: 3 } }]);
});

test('a limit group that is written and then only touched is still written', () => {
  const [parcel] = sorted([{ groups: [makeGroup({ id: 'k1' })] }, { leases: [makeLease({ group: 'k1' })] }]);
  expect(parcel!.records.get('5k1')).toMatchObject({ isWritten: true, stamp: 's2', record: { version: 1 } });
});

test('a lease that comes and goes within a batch is told to nobody', () => {
  const [parcel] = sorted([{ leases: [makeLease()] }, { ended: ['l1'] }]);
  expect([[...parcel!.records.keys()], [...parcel!.leases]]).toEqual([[`5${makeLease().group}`], []]);
});

test('what is told is heard, of every kind of record', () => {
  const state = { ...FRESH_POOL, turn: { lastOrder: 1, weights: {} }, usage: { 'a\nb': makeUsage(1) } };
  const all = { state, keys: [makeKey()], groups: [makeGroup()], leases: [makeLease({ id: 'line\nbreak' })], requests: [makeRequest()] };
  const [parcel] = sorted([all]);
  const heard = recordsIn(Buffer.from(['me.1 7', ...argumentsOf(parcel!)].join('\n')), 'p');
  const written = [...parcel!.records.values()].map(({ kind, id, record, isWritten }) => ({ kind, id, record, isWritten }));
  const leases = [...parcel!.leases].map(([id, record]) => ({ kind: '6', id, record, isWritten: true }));
  const usage = [...parcel!.usage].map(([id, record]) => ({ kind: '8', id, record, isWritten: true }));
  expect([written.length, leases.length, usage.length]).toEqual([4, 1, 1]);
  expect(heard.map(({ kind, id, record, isWritten }) => ({ kind, id, record, isWritten }))).toEqual([...written, ...leases, ...usage]);
});
