import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryStore } from '../../src/store/memory.ts';
import { type Connection, keyOf, onePool, startTestApp } from '../support/app.ts';
import { fieldsOf, refusalOf } from './refusal.ts';

interface PageOf {
  readonly names: string[];
  readonly next: string;
}

type List = (server: Connection, page: { pageSize?: number; pageToken?: string }) => Promise<PageOf>;

const LISTS: { name: string; list: List }[] = [
  {
    name: 'ListPools',
    list: async ({ admin }, page) => {
      const { pools, nextPageToken } = await admin.listPools(page);
      return { names: pools.map(({ pool }) => pool), next: nextPageToken };
    },
  },
  {
    name: 'ListKeys',
    list: async ({ admin }, page) => {
      const { keys, nextPageToken } = await admin.listKeys({ pool: 'p10', ...page });
      return { names: keys.map(({ keyId }) => keyId), next: nextPageToken };
    },
  },
  {
    name: 'ListLeases',
    list: async ({ admin }, page) => {
      const { leases, nextPageToken } = await admin.listLeases({ pool: 'p10', ...page });
      return { names: leases.map(({ leaseId }) => leaseId), next: nextPageToken };
    },
  },
];

/** Eleven pools; the last has eleven keys and eleven leases. */
async function elevenOfEach() {
  const ids = Array.from({ length: 11 }, (_, n) => String(n + 10));
  const pool = (n: string, keys: object[]) => ({ id: `p${n}`, provider: 'anthropic', keys });
  const config = { pools: ids.map((n) => pool(n, n === '10' ? ids.map((k) => keyOf(`k${k}`)) : [keyOf(`${n}-only`)])) };
  let now = 1_800_000_000_000;
  const server = await startTestApp({ config, store: memoryStore({ clock: () => now++ }) });
  for (const _ of ids) await server.leases.acquireKey({ pool: 'p10' });
  return server;
}

test.each(LISTS)('$name: pages of any size, one after the other, are the whole list in its order', async ({ list }) => {
  const server = await elevenOfEach();
  const whole = await list(server, {});
  expect(whole.names).toHaveLength(11);
  expect(whole.next).toBe('');
  for (const pageSize of [1, 3, 10, 11, 12, 2_147_483_647]) {
    const names: string[] = [];
    let pages = 0;
    for (let pageToken = '', more = true; more; pages += 1) {
      const page = await list(server, { pageSize, pageToken });
      names.push(...page.names);
      pageToken = page.next;
      more = pageToken !== '';
    }
    expect(names).toEqual(whole.names);
    expect(pages).toBe(Math.ceil(11 / pageSize));
  }
});

test.each(LISTS)('$name: the page size may change from page to page', async ({ list }) => {
  const server = await elevenOfEach();
  const first = await list(server, { pageSize: 4 });
  const second = await list(server, { pageSize: 7, pageToken: first.next });
  expect([...first.names, ...second.names]).toEqual((await list(server, {})).names);
  expect(second.next).toBe('');
});

test.each(LISTS)('$name: a negative size and a token that was not made here are INVALID_ARGUMENT', async ({ list }) => {
  const server = await elevenOfEach();
  expect(fieldsOf(await refusalOf(list(server, { pageSize: -1 })))).toEqual(['page_size']);
  const { next } = await list(server, { pageSize: 4 });
  const half = next.slice(0, 5);
  for (const pageToken of ['x', '2', '!!!', half, `${next}=`, ` ${next}`, Buffer.from('before:p1').toString('base64url'), '😀']) {
    const refused = await refusalOf(list(server, { pageToken }));
    expect([refused.status, ...fieldsOf(refused)]).toEqual(['INVALID_ARGUMENT', 'page_token']);
  }
});

test('no text is a token but one that was made here', async () => {
  const server = await elevenOfEach();
  const [pools] = LISTS;
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 1, unit: 'binary' }), async (pageToken) => {
      expect((await refusalOf(pools!.list(server, { pageToken }))).status).toBe('INVALID_ARGUMENT');
    }),
  );
});

test('of a list that changes between pages nothing is shown twice, and what stays is not left out', async () => {
  const server = await elevenOfEach();
  const list = LISTS[2]!.list;
  const before = (await list(server, {})).names;
  const first = await list(server, { pageSize: 4 });
  await server.leases.releaseLease({ leaseId: before[0]! });
  await server.leases.releaseLease({ leaseId: before[3]! });
  const { lease } = await server.leases.acquireKey({ pool: 'p10' });
  const rest = await list(server, { pageToken: first.next });
  expect(rest.names).toEqual([...before.slice(4), lease!.leaseId]);
});

test('a page holds 100 where no size is given, and 1,000 where more is asked for', async () => {
  const keys = Array.from({ length: 1_101 }, (_, n) => keyOf(`k${n}`));
  const { admin } = await startTestApp({ config: onePool(keys) });
  expect((await admin.listKeys({})).keys).toHaveLength(100);
  expect((await admin.listKeys({ pageSize: 1_101 })).keys).toHaveLength(1_000);
});
