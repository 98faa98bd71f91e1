import { hash } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { readPage } from '../../../src/ops/dashboard/page.ts';
import { learningStore } from '../../service/stores.ts';
import { keyOf, onePool, startTestApp } from '../../support/app.ts';

interface News {
  readonly pool: string;
  readonly order: readonly string[];
  readonly matched: number;
  readonly keys: readonly { readonly id: string; readonly state: string; readonly activeLeases: number }[];
  readonly pools: readonly { readonly id: string; readonly grantsFrom: number | null; readonly states: Readonly<Record<string, number>> }[];
}

const KEYS = onePool(['a', 'b', 'c'].map((id) => keyOf(id)));

async function start(config = KEYS) {
  return startTestApp({ config: { ...config, ops: { listen: '127.0.0.1:0' } } });
}

/** Opens the events of a page; `next` answers what is told next. */
async function follow(address: string, query = '') {
  const ending = new AbortController();
  onTestFinished(() => ending.abort());
  const response = await fetch(`http://${address}/events${query}`, { signal: ending.signal });
  const text = response.body?.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  let unread = '';
  const next = async (): Promise<News> => {
    for (;;) {
      const told = /data: (.*)\n\n/.exec(unread);
      if (told !== null) {
        unread = unread.slice(told.index + told[0].length);
        return JSON.parse(told[1] as string) as News;
      }
      unread += (await text?.next())?.value ?? '';
    }
  };
  return { status: response.status, next, close: () => ending.abort() };
}

test('the first news have every key, later ones those that changed', async () => {
  const { app, leases } = await start();
  const { next } = await follow(app.opsAddress as string);
  const first = await next();
  expect(first).toMatchObject({ pool: 'default', order: ['a', 'b', 'c'], matched: 3 });
  expect(first.keys.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  expect((await next()).keys).toEqual([]);
  const { lease } = await leases.acquireKey({});
  const seen: News['keys'][number][] = [];
  while (seen.length === 0) seen.push(...(await next()).keys);
  expect(seen).toMatchObject([{ id: lease!.keyId, activeLeases: 1 }]);
});

test('a filter leaves the keys in which each of its words is: names, limit groups, states, reasons', async () => {
  const { app, admin } = await start(
    onePool([keyOf('alpha', { limit_group: 'org' }), keyOf('beta', { limit_group: 'org' }), keyOf('gamma')]),
  );
  await admin.drainKey({ keyId: 'beta' });
  const shown = async (filter: string) =>
    (await (await follow(app.opsAddress as string, `?filter=${encodeURIComponent(filter)}`)).next()).order;
  expect(await shown('AL')).toEqual(['alpha']);
  expect(await shown('org')).toEqual(['alpha', 'beta']);
  expect(await shown('org draining')).toEqual(['beta']);
  expect(await shown('operator')).toEqual(['beta']);
  expect(await shown('[.*')).toEqual([]);
});

test('of a pool that learns they tell until when nothing is granted, and of others that it does not', async () => {
  const config = { ...KEYS, ops: { listen: '127.0.0.1:0' } };
  let grantsFrom = 9e15;
  const { app } = await startTestApp({ config, store: learningStore(() => grantsFrom) });
  const { next } = await follow(app.opsAddress as string);
  expect((await next()).pools).toMatchObject([{ id: 'default', grantsFrom: 9e15 }]);
  grantsFrom = 0;
  await next();
  expect((await next()).pools).toMatchObject([{ id: 'default', grantsFrom: null }]);
});

test('a pool that there is not shows the first', async () => {
  const { app } = await start();
  expect((await (await follow(app.opsAddress as string, '?pool=gone')).next()).pool).toBe('default');
});

test('sixteen pages may be open; when one is closed the next may', async () => {
  const { app } = await start();
  const address = app.opsAddress as string;
  const pages = await Promise.all(Array.from({ length: 16 }, () => follow(address)));
  expect(pages.map(({ status }) => status)).toEqual(Array.from({ length: 16 }, () => 200));
  expect((await fetch(`http://${address}/events`)).status).toBe(503);
  pages[0]!.close();
  await expect.poll(async () => (await follow(address)).status, { timeout: 10_000 }).toBe(200);
});

test('nothing secret is told', async () => {
  const { app, leases } = await start();
  const { lease } = await leases.acquireKey({});
  const told = JSON.stringify(await (await follow(app.opsAddress as string)).next());
  expect(told).not.toContain('secret-of');
  expect(told).not.toContain(lease!.leaseId);
});

test('the policy of the page allows its own style and script by their hashes, and nothing from elsewhere', () => {
  const { html, headers } = readPage();
  const [, script = ''] = /<script type="module">([\s\S]*)<\/script>/.exec(html) ?? [];
  const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(html) ?? [];
  const policy = headers['content-security-policy'] as string;
  expect(policy).toContain(`script-src 'sha256-${hash('sha256', script, 'base64')}'`);
  expect(policy).toContain(`style-src 'sha256-${hash('sha256', style, 'base64')}'`);
  expect(script).not.toMatch(/^(?:import|export)\b/m);
  expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|\son\w+=|\sstyle=|innerHTML/);
});
