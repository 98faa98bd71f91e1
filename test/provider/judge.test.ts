import { describe, expect, test } from 'vitest';
import { providerByName } from '../../src/provider/index.ts';
import { judge } from '../../src/provider/judge.ts';
import { ANTHROPIC_200, ANTHROPIC_429, ARRIVED, headersOf, OPENAI_429_BARE } from './responses.ts';

const NOW = Date.UTC(2026, 7, 20, 6);
const MONTH_END_MS = Date.UTC(2026, 8, 1) - NOW;
const NOTHING = new Map<string, string>();

describe('anthropic', () => {
  test.each([
    ['no money', 400, 'Your credit balance is too low to access the Anthropic API', 'billing', 'limit_group', null],
    [
      'its own spend limit, until the date it names',
      400,
      'You have reached your specified API usage limits. You will regain access on 2026-09-01 at 00:00 UTC.',
      'billing',
      'limit_group',
      MONTH_END_MS,
    ],
    [
      "a workspace's spend limit",
      400,
      'You have reached your specified workspace API usage limits. You will regain access on 2026-08-20 at 06:01 UTC.',
      'billing',
      'limit_group',
      60_000,
    ],
    [
      'a date that has passed',
      400,
      'You have reached your specified API usage limits. You will regain access on 2026-08-01 at 00:00 UTC.',
      'billing',
      'limit_group',
      null,
    ],
    [
      'a spend limit until a date without a time',
      400,
      'reached your specified API usage limits. You will regain access on 2026-09-01.',
      'billing',
      'limit_group',
      MONTH_END_MS,
    ],
    ['a banned organization', 400, 'This organization has been disabled.', 'invalid_credential', 'key', null],
    ['a request that is wrong', 400, 'max_tokens: Field required', 'client_error', 'request', null],
    ['a dead key', 401, 'invalid x-api-key', 'invalid_credential', 'key', null],
    ['a browser', 401, 'CORS requests are not allowed for this Organization', 'client_error', 'request', null],
    ['an unpaid bill', 402, 'billing_error', 'billing', 'limit_group', null],
    ['a model that the key may not use', 403, 'permission_error', 'forbidden', 'key_model', null],
    ['an unknown model', 404, 'not_found_error', 'client_error', 'request', null],
    ['a conflict', 409, 'conflict_error', 'client_error', 'request', null],
    ['a request that is too large', 413, 'request_too_large', 'client_error', 'request', null],
    [
      'a spent cap, until the month ends',
      429,
      '{"type":"rate_limit_error","details":{"error_code": "enforced_spend_limit_reached"}}',
      'billing',
      'limit_group',
      MONTH_END_MS,
    ],
    ['a limit', 429, 'rate_limit_error', 'rate_limited', 'limit_group', null],
    ['a fault', 500, 'api_error', 'server_error', 'request', null],
    ['a timeout', 504, 'timeout_error', 'server_error', 'request', null],
    ['an overload', 529, 'overloaded_error', 'overloaded', 'provider', null],
  ])('%s', (_, status, body, verdict, scope, waitMs) => {
    expect(verdictOf('anthropic', status, body)).toEqual({ verdict, scope, waitMs });
  });

  test('a 429 waits for the 16 seconds that it asks for', () => {
    const { retryAfterMs } = providerByName('anthropic')!.readHeaders(ANTHROPIC_429, ARRIVED.anthropic429);
    const answer = { status: 429, body: 'rate_limit_error', headers: ANTHROPIC_429, responseTime: ARRIVED.anthropic429, retryAfterMs };
    expect(judge(providerByName('anthropic')!, answer)).toEqual({ verdict: 'rate_limited', scope: 'limit_group', waitMs: 16_000 });
  });

  test('a success never waits, also where it carries retry-after', () => {
    const { retryAfterMs } = providerByName('anthropic')!.readHeaders(ANTHROPIC_200, ARRIVED.anthropic200);
    const answer = { status: 200, body: '', headers: ANTHROPIC_200, responseTime: ARRIVED.anthropic200, retryAfterMs };
    expect(retryAfterMs).toBe(59_000);
    expect(judge(providerByName('anthropic')!, answer)).toEqual({ verdict: 'ok', scope: 'request', waitMs: null });
  });
});

describe('openai', () => {
  test.each([
    ['a dead key', 401, 'Incorrect API key provided', 'invalid_credential', 'key', null],
    ['a key without an organization', 401, 'You must be a member of an organization to use the API', 'invalid_credential', 'key', null],
    ['an address that is not allowed', 401, 'Your IP address is not authorized to access this project', 'environment', 'request', null],
    ['a code for such an address', 401, '"code":"ip_not_authorized"', 'environment', 'request', null],
    ['a country', 403, 'Country, region, or territory not supported', 'environment', 'request', null],
    ['a model that the project may not use', 403, 'does not have access to model', 'forbidden', 'key_model', null],
    ['an unknown model', 404, 'model_not_found', 'client_error', 'request', null],
    [
      'a limit, with the wait in the text',
      429,
      'Rate limit reached for gpt-4o on tokens per min. Please try again in 23.03s. Visit',
      'rate_limited',
      'limit_group',
      23_030,
    ],
    ['a limit, without a wait', 429, 'rate_limit_exceeded', 'rate_limited', 'limit_group', null],
    ['a ramp that is too steep', 429, 'slow_down', 'rate_limited', 'limit_group', null],
    [
      'a request that never fits',
      429,
      'Request too large for gpt-4o: Limit 30000, Requested 30601. rate_limit_exceeded',
      'client_error',
      'request',
      null,
    ],
    ['a request that never fits, by another status', 413, 'Request too large', 'client_error', 'request', null],
    ['no money', 429, '{"error": {"code" : "insufficient_quota"}}', 'billing', 'limit_group', null],
    ['no credit', 429, '"code":"credit_balance_exhausted"', 'billing', 'limit_group', null],
    ['a usage limit', 429, '"code":"organization_usage_limit_exceeded"', 'billing', 'limit_group', null],
    [
      "the organization's spend limit",
      429,
      '"type":"insufficient_quota","code":"organization_spend_limit_exceeded"',
      'billing',
      'limit_group',
      MONTH_END_MS,
    ],
    ["the project's spend limit", 429, '"type":"insufficient_quota","code":"project_spend_limit_exceeded"', 'billing', 'key', MONTH_END_MS],
    ['no capacity for cheap requests', 429, 'resource_unavailable', 'overloaded', 'provider', null],
    ['an overload', 503, 'server_is_overloaded', 'overloaded', 'provider', null],
    ['a fault', 500, '', 'server_error', 'request', null],
  ])('%s', (_, status, body, verdict, scope, waitMs) => {
    expect(verdictOf('openai', status, body)).toEqual({ verdict, scope, waitMs });
  });

  test('a 429 that says nothing is a limit of unknown length', () => {
    const { retryAfterMs } = providerByName('openai')!.readHeaders(OPENAI_429_BARE, NOW);
    const answer = { status: 429, body: '', headers: OPENAI_429_BARE, responseTime: NOW, retryAfterMs };
    expect(judge(providerByName('openai')!, answer)).toEqual({ verdict: 'rate_limited', scope: 'limit_group', waitMs: null });
  });
});

describe('generic', () => {
  test.each([
    ['a limit', 429, '', 'rate_limited', 'key', null],
    ['a limit with a wait in minutes and seconds', 429, 'Please try again in 9m38.016s.', 'rate_limited', 'key', 578_016],
    ['a limit with a wait in words', 429, 'Please retry after 33 seconds.', 'rate_limited', 'key', 33_000],
    ['a limit with a wait of an hour', 429, 'Try again in 1 hour', 'rate_limited', 'key', 3_600_000],
    ['a limit with a wait that is too long to believe', 429, 'retry after 999999999 seconds', 'rate_limited', 'key', null],
    ['no money', 429, 'insufficient_quota', 'billing', 'limit_group', null],
    ['no money by its status', 402, '', 'billing', 'limit_group', null],
    ['a dead key', 401, '', 'invalid_credential', 'key', null],
    ['a closed door', 403, '', 'forbidden', 'key_model', null],
    ['a wrong method', 405, '', 'client_error', 'request', null],
    ['a wrong body', 422, '', 'client_error', 'request', null],
    ['a teapot', 418, '', 'client_error', 'request', null],
    ['a redirect', 302, '', 'client_error', 'request', null],
    ['a request that took too long', 408, '', 'server_error', 'request', null],
    ['a bad gateway', 502, '', 'server_error', 'request', null],
    ['an unknown fault', 599, '', 'server_error', 'request', null],
    ['an overload', 503, '', 'overloaded', 'provider', null],
    ['no content', 204, 'insufficient_quota', 'ok', 'request', null],
    ['no response', 0, 'try again in 5s', 'no_response', 'request', null],
  ])('%s', (_, status, body, verdict, scope, waitMs) => {
    expect(verdictOf('generic', status, body)).toEqual({ verdict, scope, waitMs });
  });
});

test.each([
  ['a wait in the body', 'openai', 429, 'try again in 23s'],
  ['the end of the month', 'anthropic', 429, 'enforced_spend_limit_reached'],
  ['a date in the body', 'anthropic', 400, 'reached your specified API usage limits. You will regain access on 2026-09-01'],
])('retry-after wins over %s', (_, name, status, body) => {
  const answer = { status, body, headers: NOTHING, responseTime: NOW, retryAfterMs: 7000 };
  expect(judge(providerByName(name)!, answer).waitMs).toBe(7000);
});

test("a date is seen from the provider's clock", () => {
  const headers = headersOf('date: Mon, 31 Aug 2026 23:59:50 GMT');
  const answer = { status: 429, body: 'enforced_spend_limit_reached', headers, responseTime: NOW, retryAfterMs: null };
  expect(judge(providerByName('anthropic')!, answer).waitMs).toBe(10_000);
});

test('a row may match a header line', () => {
  const provider = {
    ...providerByName('generic')!,
    verdicts: [{ status: [403], match: /^x-error-type: UnknownKey/, verdict: 'invalid_credential', scope: 'key' } as const],
  };
  const answer = { status: 403, body: '', headers: headersOf('x-error-type: UnknownKey:http://'), responseTime: NOW, retryAfterMs: null };
  expect(judge(provider, answer).verdict).toBe('invalid_credential');
  expect(judge(provider, { ...answer, headers: NOTHING }).verdict).toBe('forbidden');
});

test.each([
  [16_384, 'billing'],
  [16_385, 'rate_limited'],
])('a body is read up to 16 KiB: a word that ends at %d', (end, verdict) => {
  expect(verdictOf('openai', 429, 'insufficient_quota'.padStart(end)).verdict).toBe(verdict);
});

function verdictOf(name: string, status: number, body: string) {
  return judge(providerByName(name)!, { status, body, headers: NOTHING, responseTime: NOW, retryAfterMs: null });
}
