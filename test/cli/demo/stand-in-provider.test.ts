import { describe, expect, onTestFinished, test } from 'vitest';
import { type StandInOptions, startStandInProvider } from '../../../src/cli/demo/stand-in-provider.ts';

const KEYS = [
  { secret: 'key-a', organization: 'org-1' },
  { secret: 'key-b', organization: 'org-1' },
  { secret: 'key-c', organization: 'org-2' },
];
const LIMITS = { requests: 60, inputTokens: 60_000, outputTokens: 12_000 };

async function start(options: Partial<StandInOptions> = {}) {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const provider = await startStandInProvider({ keys: KEYS, limits: LIMITS, now: () => clock.now, ...options });
  onTestFinished(() => provider.close());
  const ask = (secret: string, inputTokens: number, maxTokens = 100) =>
    fetch(`${provider.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': secret },
      body: JSON.stringify({ model: 'm', max_tokens: maxTokens, messages: [{ role: 'user', content: 'word'.repeat(inputTokens) }] }),
    });
  return { provider, clock, ask };
}

describe('the stand-in provider', () => {
  test('answers with usage, its organization and what is left', async () => {
    const { ask } = await start({ share: () => 0.5 });
    const response = await ask('key-a', 2_000);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ type: 'message', usage: { input_tokens: 2_000, output_tokens: 50 } });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'anthropic-organization-id': 'org-1',
      'anthropic-ratelimit-requests-remaining': '59',
      'anthropic-ratelimit-input-tokens-remaining': '58000',
    });
  });

  test('counts two keys of one organization together and another organization apart', async () => {
    const { ask } = await start();
    expect((await ask('key-a', 40_000)).status).toBe(200);
    expect((await ask('key-b', 40_000)).status).toBe(429);
    expect((await ask('key-c', 40_000)).status).toBe(200);
  });

  test('says with a 429 when to come back, and keeps its word', async () => {
    const { ask, clock } = await start({ fill: 0 });
    clock.now += 2_000;
    const refused = await ask('key-a', 4_500);
    expect(refused.headers.get('retry-after')).toBe('3');
    expect(await refused.json()).toMatchObject({ error: { type: 'rate_limit_error' } });
    clock.now += 3_000;
    expect((await ask('key-a', 4_500)).status).toBe(200);
  });

  test('does not know a secret that was revoked, or was never one', async () => {
    const { ask, provider } = await start();
    expect((await ask('key-a', 1)).status).toBe(200);
    provider.revoke('key-a');
    const refused = await ask('key-a', 1);
    expect([refused.status, refused.headers.has('anthropic-organization-id'), (await ask('nobody', 1)).status]).toEqual([401, false, 401]);
    expect(await refused.json()).toEqual({ type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' } });
  });

  test('answers 529 while it is overloaded, and takes nothing from the allowance', async () => {
    const { ask, provider, clock } = await start();
    provider.overload(500);
    expect((await ask('key-a', 1_000)).status).toBe(529);
    clock.now += 500;
    const answered = await ask('key-a', 1_000);
    expect([answered.status, answered.headers.get('anthropic-ratelimit-requests-remaining')]).toEqual([200, '59']);
  });

  test.each([
    { rule: 'a body that is no JSON', path: '/v1/messages', body: 'x', status: 400 },
    { rule: 'a body without max_tokens', path: '/v1/messages', body: '{"messages":[]}', status: 400 },
    { rule: 'another path', path: '/v1/models', body: '{}', status: 404 },
  ])('refuses $rule with $status', async ({ path, body, status }) => {
    const { provider } = await start();
    expect((await fetch(provider.url + path, { method: 'POST', headers: { 'x-api-key': 'key-a' }, body })).status).toBe(status);
  });

  test('counts its answers by status and the tokens it served', async () => {
    const { ask, provider } = await start();
    await ask('key-a', 1_000, 10);
    await ask('key-a', 60_000);
    await ask('nobody', 1);
    expect(provider.stats()).toEqual({ calls: 3, byStatus: { 200: 1, 401: 1, 429: 1 }, inputTokens: 1_000, outputTokens: 10 });
  });
});
