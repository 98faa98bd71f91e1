import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import { learningStore } from '../../service/stores.ts';
import { keyOf, onePool, startTestApp, type TestApp } from '../../support/app.ts';
import { openBrowser, SIZES } from '../../support/browser.ts';
import { tool } from '../../support/tool.ts';

const CHROMIUM = tool('chromium', 'apt-get install chromium');

const LIMITS = { limits: { requests: 10, input_tokens: 1_000 } };
const TWO_POOLS = {
  pools: [
    { id: 'chat', provider: 'anthropic', keys: [keyOf('alpha', LIMITS), keyOf('beta', LIMITS)] },
    { id: 'evals', provider: 'openai', keys: [keyOf('gamma')] },
  ],
};

/** Run in the page: the texts that are hard to read. */
const DIM_TEXTS = readFileSync(new URL('dim-texts.js', import.meta.url), 'utf8');

/** Run in the page: what somebody might smuggle into it. */
const ADDED_SCRIPT = `
  const button = document.createElement('button');
  document.body.append(button);
  button.setAttribute('onclick', 'globalThis.hurt = true');
  button.click();
`;

let browser: Browser;

/** The dashboard of a service, in a browser that complains of everything. */
async function open(config: Readonly<Record<string, unknown>> = TWO_POOLS, look: Parameters<Browser['newPage']>[0] = {}, store?: Store) {
  const app = await startTestApp({ config: { ...config, ops: { listen: '127.0.0.1:0' } }, ...(store && { store }) });
  const page = await browser.newPage({ viewport: { width: 1_440, height: 900 }, ...look });
  onTestFinished(() => page.close());
  const complaints: string[] = [];
  const hosts = new Set<string>();
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => request.url().startsWith('data:') || hosts.add(new URL(request.url()).host));
  await page.goto(`http://${app.app.opsAddress}/`);
  await page.waitForSelector('#connection[data-state="live"]');
  return { ...app, page, complaints, hosts };
}

/** The page is told once a second, or less often by a busy machine. */
const seen = <T>(look: () => T) => expect.poll(look, { timeout: 20_000 });

const card = (page: Page, id: string) => page.locator(`[data-key="${id}"]`);
const tile = (page: Page, name: string) => page.locator('.tile', { hasText: name }).locator('.figure');

async function sicken({ leases }: TestApp, statusCode: number): Promise<string> {
  const { lease } = await leases.acquireKey({ pool: 'chat' });
  await leases.reportHeaders({ leaseId: lease!.leaseId, statusCode });
  return lease!.keyId;
}

describe.skipIf(CHROMIUM === null)('the dashboard', () => {
  beforeAll(async () => {
    browser = await openBrowser(CHROMIUM as string);
  });
  afterAll(() => browser?.close());

  test('a lease shows by itself, with what it reserves', async () => {
    const { page, leases } = await open();
    expect(await tile(page, 'Leases under way').textContent()).toBe('0');
    const { lease } = await leases.acquireKey({ pool: 'chat', estimatedInputTokens: 400 });
    await seen(() => tile(page, 'Leases under way').textContent()).toBe('1');
    await seen(() => tile(page, 'Grants, 2 min').textContent()).toBe('1');
    const meter = card(page, lease!.keyId).getByRole('meter', { name: 'input tokens' });
    await seen(() => meter.getAttribute('aria-valuenow')).toBe('600');
    expect(await meter.getAttribute('aria-valuetext')).toBe('600 of 1,000 left, 400 reserved, full, configured');
  });

  test('a 401 makes the key unhealthy, with its reason, in the list of trouble, and for those who cannot see', async () => {
    const shown = await open();
    const id = await sicken(shown, 401);
    const { page } = shown;
    await seen(() => card(page, id).getAttribute('data-state')).toBe('unhealthy');
    expect(await card(page, id).locator('.trouble').textContent()).toContain('invalid credential');
    expect(await page.locator('#reports li').first().textContent()).toContain(`${id}invalid credential401`);
    expect(await page.locator('#news').textContent()).toBe(`key ${id} is unhealthy: invalid credential`);
    expect(await page.locator('.legend').textContent()).toContain('1 unhealthy');
  });

  test('a pool that learns says when it grants, as long as it does', async () => {
    let grantsFrom = Number.MAX_SAFE_INTEGER;
    const { page, complaints } = await open(
      TWO_POOLS,
      {},
      learningStore(() => grantsFrom),
    );
    const told = page.locator('.tile', { hasText: 'Leases under way' }).locator('.trouble');
    await seen(() => told.textContent()).toMatch(/^learning: nothing is granted.*back in/);
    grantsFrom = 0;
    await seen(() => told.count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('everything can be reached by keyboard', async () => {
    const { page } = await open();
    const focused = () => page.evaluate(`document.activeElement.id || document.activeElement.getAttribute('data-key')`);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.className')).toBe('skip');
    await page.keyboard.press('j');
    expect(await focused()).toBe('alpha');
    await page.keyboard.press('j');
    expect(await focused()).toBe('beta');
    await page.keyboard.press('k');
    expect(await focused()).toBe('alpha');
    await page.keyboard.press('/');
    expect(await focused()).toBe('filter');
    await page.keyboard.type('bet');
    await seen(() => page.locator('[data-key]').count()).toBe(1);
    expect(await page.locator('#matched').textContent()).toBe('1 of 2 keys match');
    await page.keyboard.press('Escape');
    await seen(() => page.locator('[data-key]').count()).toBe(2);
    await page.keyboard.press(']');
    await seen(() => page.locator('[data-key]').first().getAttribute('data-key')).toBe('gamma');
    await page.locator('[role="tab"][aria-selected="true"]').focus();
    await page.keyboard.press('ArrowLeft');
    expect(await focused()).toBe('pool-chat');
    await page.keyboard.press('?');
    expect(await page.locator('#help').isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    expect(await page.locator('#help').isVisible()).toBe(false);
  });

  test('a key keeps the focus while its numbers change', async () => {
    const { page, leases } = await open();
    await page.keyboard.press('j');
    await leases.acquireKey({ pool: 'chat', excludeKeyIds: ['beta'] });
    await seen(() => card(page, 'alpha').locator('.facts').textContent()).toContain('1 of 100 leases');
    expect(await page.evaluate(`document.activeElement.getAttribute('data-key')`)).toBe('alpha');
  });

  test('names that look like markup are text, and nothing is asked of anybody else', async () => {
    const shown = await open();
    await shown.leases.markUnhealthy({
      target: { $case: 'keyId', value: 'alpha' },
      pool: 'chat',
      reason: 8,
      message: '<img src=x onerror=alert(1)>',
    });
    await seen(() => card(shown.page, 'alpha').locator('.trouble').textContent()).toContain('<img src=x onerror=alert(1)>');
    expect(await shown.page.locator('#keys img').count()).toBe(0);
    expect([...shown.hosts]).toEqual([shown.app.opsAddress]);
    expect(shown.complaints).toEqual([]);
    expect(await shown.page.content()).not.toContain('secret-of');
  });

  test('a script that somebody adds is not run', async () => {
    const { page, complaints } = await open();
    await page.evaluate(ADDED_SCRIPT).catch(() => {});
    expect(await page.evaluate(`'hurt' in globalThis`)).toBe(false);
    expect(complaints).toEqual([expect.stringMatching(/TrustedScript|Content Security Policy/)]);
  });

  test('of thousands of keys those in trouble come first, and a filter finds the others', async () => {
    const keys = Array.from({ length: 3_000 }, (_, place) => keyOf(`key-${place}`));
    const { page, admin } = await open(onePool(keys));
    await admin.drainKey({ keyId: 'key-2999' });
    await seen(() => page.locator('[data-key]').first().getAttribute('data-key')).toBe('key-2999');
    expect(await page.locator('[data-key]').count()).toBe(120);
    expect(await page.locator('#matched').textContent()).toBe('3,000 keys, 120 shown: those in trouble first. A filter shows the others.');
    await page.locator('#filter').fill('key-1234');
    await seen(() => page.locator('[data-key]').count()).toBe(1);
    await page.locator('#filter').fill('nowhere');
    await seen(() => page.locator('#empty').textContent()).toBe('No key matches “nowhere”.');
  });

  test('when the service is gone the page says that it hears nothing', async () => {
    const { page, app } = await open();
    await app.close();
    await seen(() => page.locator('#connection').textContent()).toBe('no news: connecting again');
  });

  test.each(SIZES.flatMap((size) => (['light', 'dark'] as const).map((colorScheme) => ({ ...size, colorScheme }))))(
    'on a $name in $colorScheme nothing is cut off and every text can be read',
    async ({ width, height, colorScheme }) => {
      const shown = await open(TWO_POOLS, { viewport: { width, height }, colorScheme });
      const id = await sicken(shown, 401);
      await seen(() => card(shown.page, id).getAttribute('data-state')).toBe('unhealthy');
      expect(await shown.page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      expect(await shown.page.evaluate(DIM_TEXTS)).toEqual([]);
      expect(shown.complaints).toEqual([]);
    },
  );
});
