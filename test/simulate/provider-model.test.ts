import { expect, test } from 'vitest';
import type { Provider } from '../../src/pool/upstream.ts';
import { providerByName } from '../../src/provider/index.ts';
import { ProviderModel } from '../../src/simulate/provider-model.ts';
import { type ProviderSettings, START } from '../../src/simulate/scenario.ts';
import { MINUTE, makeCall, SECOND, scenarioOf } from './short.ts';

function model(settings: Partial<ProviderSettings> = {}) {
  const { scenario } = scenarioOf(`
duration: 10m
provider: { dialect: anthropic, limits: { requests: 2, input_tokens: 10000, output_tokens: 6000 } }
keys: [{ id: a, organization: red }, { id: b, organization: red, revoked_at: 5m }, { id: c }]
load: { rate: 1, input_tokens: { median: 100 }, output_tokens: { median: 50 } }`);
  const dialect = providerByName(settings.dialect ?? 'anthropic') as Provider;
  return { provider: dialect, model: new ProviderModel({ ...scenario.provider, ...settings }, dialect, scenario.keys, () => 0.5) };
}

test('keys of one organization draw on one allowance, and another organization on its own', () => {
  const { model: upstream } = model();
  const statuses = ['a', 'b', 'a', 'c'].map((key) => upstream.admit(key, makeCall(), START).status);
  expect(statuses).toEqual([200, 200, 429, 200]);
});

test.each(['anthropic', 'openai', 'generic'])('the headers of %s say to its reader what is left after the call', (dialect) => {
  const limits = { requests: 2 };
  const { model: upstream, provider } = model({ dialect, limits });
  const { headers } = upstream.admit('a', makeCall(), START);
  const { observations, ignored } = provider.readHeaders(headers, START);
  expect(observations).toMatchObject([{ dimension: 'requests', limit: 2, remaining: 1 }]);
  expect(ignored).toEqual([]);
});

test('tokens are told to the nearest thousand, requests as they are', () => {
  const { model: upstream } = model();
  const { headers } = upstream.admit('a', makeCall({ inputTokens: 1_600 }), START);
  expect(headers.get('anthropic-ratelimit-input-tokens-remaining')).toBe('8000');
  expect(headers.get('anthropic-ratelimit-requests-remaining')).toBe('1');
});

test('a 429 says in whole seconds when the request fits', () => {
  const { model: upstream } = model();
  upstream.admit('a', makeCall({ inputTokens: 9_000 }), START);
  expect(upstream.admit('a', makeCall({ inputTokens: 5_000 }), START).headers.get('retry-after')).toBe('24');
});

test('output counts while a call runs, and no more once it is over', () => {
  const { model: upstream } = model();
  const { finish } = upstream.admit('a', makeCall({ outputTokens: 6_000, lengthMs: 10 * SECOND }), START);
  const output = () => upstream.organizations.get('red')?.allowances.get('')?.get('output_tokens');
  expect(output()?.level(START + 5 * SECOND)).toBeCloseTo(3_500);
  finish?.(START + 10 * SECOND);
  expect(output()?.level(START + 20 * SECOND)).toBeCloseTo(2_000);
});

test('more calls at once than are allowed meet a 429, and nobody is told how many those are', () => {
  const { model: upstream } = model({ concurrency: 1, limits: {}, headers: false, retryAfter: false });
  const first = upstream.admit('a', makeCall(), START);
  const second = upstream.admit('a', makeCall(), START + 1);
  expect([first.status, second.status, second.headers.size]).toEqual([200, 429, 1]);
  first.finish?.(START + SECOND);
  expect(upstream.admit('a', makeCall(), START + SECOND).status).toBe(200);
});

test('a revoked key meets a 401, while its sister goes on', () => {
  const { model: upstream } = model();
  const at = START + 5 * MINUTE;
  expect([upstream.admit('b', makeCall(), at).status, upstream.admit('a', makeCall(), at).status]).toEqual([401, 200]);
});

test('trouble has its time and its share', () => {
  const troubles = [
    { atMs: 0, forMs: SECOND, status: 529, share: 1 },
    { atMs: SECOND, forMs: SECOND, status: 500, share: 0.4 },
  ];
  const { model: upstream } = model({ troubles });
  expect([0, SECOND].map((after) => upstream.admit('a', makeCall(), START + after).status)).toEqual([529, 200]);
});
