import { expect, test } from 'vitest';
import {
  AcquireKeyRequest,
  AcquireKeyResponse,
  KeyLeaseServiceService,
  type LeaseStreamResponse,
} from '../../src/generated/keylease/v1/key_lease_service.ts';
import { bearer, metadataOf, type Shown } from '../support/auth-app.ts';
import type { Outcome } from './any-call.ts';
import { all, callAs, clientFor, EVERY_RPC, hidden, mine, statusesOf, tokens, useMatrix } from './auth-matrix.ts';
import { RPCS } from './rpc-rows.ts';

useMatrix();

const ON_POOL = EVERY_RPC.filter(({ names }) => names === 'pool');
const ON_LEASE = EVERY_RPC.filter(({ names, name }) => names === 'lease' && name !== 'revokeLease');

test.each(ON_POOL.map((row) => [row.name, row] as const))(
  '%s: a forbidden pool and an unknown one are answered byte for byte alike',
  async (_, row) => {
    const guest = bearer(tokens.guest);
    const forbidden = await callAs(guest, row, { pool: 'secret' });
    const unknown = await callAs(guest, row, { pool: 'absent' });
    expect(forbidden.status).toBe('PERMISSION_DENIED');
    expect(renamed(unknown, 'absent', 'secret')).toEqual(forbidden);
  },
);

test.each(ON_POOL.map((row) => [row.name, row] as const))('%s: a pool that may be used and is not there is NOT_FOUND', async (_, row) => {
  expect((await callAs(bearer(tokens.guest), row, { pool: 'nothere' })).status).toBe('NOT_FOUND');
});

test('a pool name longer than any pool has is refused before it is compared with patterns; as the claim of a lease it is garbage', async () => {
  const name = 'x'.repeat(64);
  expect(await statusesOf(bearer(tokens.root), ON_POOL, { pool: name })).toEqual(all('INVALID_ARGUMENT', ON_POOL));
  expect(await statusesOf(bearer(tokens.root), ON_LEASE, { leaseId: claiming(name) })).toEqual(all('NOT_FOUND', ON_LEASE));
});

test('calls of one message on a stream are let in each by itself', async () => {
  const { path, requestSerialize, responseDeserialize } = KeyLeaseServiceService.leaseStream;
  const stream = clientFor({}).makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadataOf(bearer(tokens.guest)));
  stream.on('error', () => {});
  const statuses = new Map<number, number>();
  const answered = new Promise<void>((resolve) =>
    stream.on('data', ({ replies }: LeaseStreamResponse) => {
      for (const { id, reply } of replies) statuses.set(Number(id), reply?.$case === 'error' ? reply.value.code : 0);
      if (statuses.size === 5) resolve();
    }),
  );
  const pools = ['default', 'secret', 'nothere', 'absent', 'default'];
  const calls = pools.map((pool, id) => ({ id, call: { $case: 'acquireKey', value: AcquireKeyRequest.fromPartial({ pool }) } }));
  stream.write({ calls } as never);
  await answered;
  stream.cancel();
  expect(pools.map((_, id) => statuses.get(id))).toEqual([0, 7, 5, 7, 0]);
});

test('a request id is of its holder: another who sends it gets a lease of its own', async () => {
  const { method, request } = RPCS[0]!;
  const replay = { ...(request({ pool: 'default', keyId: '', leaseId: '' }) as object), requestId: 'r' };
  const acquire = (shown: Shown) =>
    new Promise<AcquireKeyResponse>((resolve) =>
      clientFor(shown).makeUnaryRequest(
        method.path,
        method.requestSerialize,
        AcquireKeyResponse.decode,
        replay,
        metadataOf(shown),
        (_, value) => resolve(value as AcquireKeyResponse),
      ),
    );
  const leases = [await acquire(bearer(tokens.root)), await acquire(bearer(tokens.guest)), await acquire(bearer(tokens.root))];
  expect(leases.map(({ lease }) => lease?.holder)).toEqual(['root', 'guest', 'root']);
  expect(leases[2]?.lease?.leaseId).toBe(leases[0]?.lease?.leaseId);
  expect(leases[1]?.lease?.leaseId).not.toBe(leases[0]?.lease?.leaseId);
});

test.each(ON_LEASE.map((row) => [row.name, row] as const))("%s: another's lease is answered as one that never was", async (_, row) => {
  const guest = bearer(tokens.guest);
  const foreign = await callAs(guest, row, { leaseId: mine });
  const never = await callAs(guest, row, { leaseId: `${mine.slice(0, -4)}AAAA` });
  const garbage = await callAs(guest, row, { leaseId: 'garbage' });
  expect([foreign.status, foreign.message]).toEqual(['NOT_FOUND', 'no such lease']);
  expect(never).toEqual(foreign);
  expect([garbage.status, garbage.message]).toEqual([foreign.status, foreign.message]);
});

test.each(ON_LEASE.map((row) => [row.name, row] as const))(
  '%s: a lease of a forbidden pool and one of no pool are answered alike',
  async (_, row) => {
    const guest = bearer(tokens.guest);
    const forbidden = await callAs(guest, row, { leaseId: hidden });
    const unknown = await callAs(guest, row, { leaseId: claiming('absent') });
    expect(forbidden.status).toBe('PERMISSION_DENIED');
    expect(renamed(unknown, 'absent', 'secret')).toEqual(forbidden);
  },
);

test('the empty pool name is the only one that the holder may use, and never one that it may not', async () => {
  const [acquire] = RPCS;
  expect((await callAs(bearer(tokens.guest), acquire!, { pool: '' })).status).toBe('OK');
  expect((await callAs(bearer(tokens.inner), acquire!, { pool: '' })).status).toBe('OK');
  expect((await callAs(bearer(tokens.nobody), acquire!, { pool: '' })).status).toBe('PERMISSION_DENIED');
});

test.each([[7], [null], [{}], [['secret']]])('an id that claims %j for its pool is no lease', async (pool) => {
  expect(await statusesOf(bearer(tokens.guest), ON_LEASE, { leaseId: claiming(pool) })).toEqual(all('NOT_FOUND', ON_LEASE));
});

/** An id that claims to be of a lease in this pool, which nobody has signed. */
function claiming(pool: unknown): string {
  const told = JSON.stringify([pool, 'a', 'a', '', 'guest', 1, 0, 1, 1]);
  return `kl_${Buffer.concat([Buffer.from(told), Buffer.alloc(32)]).toString('base64url')}`;
}

function renamed({ status, message, bytes }: Outcome, from: string, to: string): Outcome {
  const swapped = bytes.toString('latin1').replaceAll(from, to);
  return { status, message: message.replaceAll(from, to), bytes: Buffer.from(swapped, 'latin1') };
}
