/**
 * Takes pictures of the dashboard over pools with life in them: `node scripts/screenshot.ts` makes docs/dashboard.png, with `--all FOLDER`
 * every size in light and dark. Needs Chromium: CHROMIUM names the program.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startApp } from '../src/app.ts';
import { parseConfig } from '../src/config/parse.ts';
import { strategyNames } from '../src/pool/strategy/index.ts';
import { providerNames } from '../src/provider/index.ts';
import { openBrowser, SIZES } from '../test/support/browser.ts';
import { enliven, LIVELY } from './screenshot/life.ts';

const { values } = parseArgs({ options: { all: { type: 'string' } } });
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Long enough for the sparklines to have something to show. */
const LIFE_MS = 100_000;

const reading = parseConfig(JSON.stringify(LIVELY), 'lively.yaml', {
  strategies: strategyNames,
  providers: providerNames,
  env: {},
  readFile: () => ({ ok: false, problem: 'there is no such file' }),
});
if (!reading.ok) throw new Error(JSON.stringify(reading.mistakes));
const app = await startApp(reading.config);
const stop = await enliven(app.addresses[0] as string, LIFE_MS);
const browser = await openBrowser(CHROMIUM);
const all = values.all;
if (all !== undefined) mkdirSync(all, { recursive: true });
for (const colorScheme of all === undefined ? (['light'] as const) : (['light', 'dark'] as const)) {
  for (const { name, width, height } of all === undefined ? SIZES.slice(0, 1) : SIZES) {
    const page = await browser.newPage({ colorScheme, viewport: { width, height } });
    await page.goto(`http://${app.opsAddress}/`);
    await page.waitForSelector('.key');
    await page.waitForTimeout(1_500);
    await page.screenshot({ path: all === undefined ? 'docs/dashboard.png' : join(all, `${name}-${colorScheme}.png`) });
    await page.close();
  }
}
await browser.close();
stop();
await app.close();
