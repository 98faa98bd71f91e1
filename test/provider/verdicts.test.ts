import { describe, expect, test } from 'vitest';
import { providerByName, providerNames } from '../../src/provider/index.ts';
import { judge } from '../../src/provider/judge.ts';
import { headersOf } from './responses.ts';
import { NOW, TABLES } from './verdict-tables.ts';

const NOTHING = new Map<string, string>();

describe.each(Object.keys(TABLES))('%s', (name) => {
  const rows = TABLES[name]!.map(([rule, status, body, verdict, scope, waitMs = null]) => ({ rule, status, body, verdict, scope, waitMs }));

  test.each(rows)('$rule', ({ status, body, ...judgement }) => {
    expect({ rule: judgement.rule, ...judged(name, status, body) }).toEqual(judgement);
  });
});

describe('bedrock', () => {
  test.each([
    [403, 'UnrecognizedClientException', 'invalid_credential', 'key'],
    [403, 'InvalidClientTokenId', 'invalid_credential', 'key'],
    [403, 'ExpiredTokenException', 'invalid_credential', 'key'],
    [403, 'InvalidSignatureException', 'invalid_credential', 'key'],
    [400, 'IncompleteSignature', 'invalid_credential', 'key'],
    [400, 'NotAuthorized', 'invalid_credential', 'key'],
    [400, 'RequestExpired', 'environment', 'request'],
    [403, 'AccessDeniedException', 'forbidden', 'key_model'],
    [404, 'FTUFormNotFilled', 'forbidden', 'key_model'],
    [404, 'ResourceNotFoundException', 'client_error', 'request'],
    [400, 'ValidationException', 'client_error', 'request'],
    [400, 'ServiceQuotaExceededException', 'rate_limited', 'limit_group'],
    [429, 'ThrottlingException', 'rate_limited', 'limit_group'],
    [429, 'ModelNotReadyException', 'overloaded', 'provider'],
    [408, 'ModelTimeoutException', 'server_error', 'request'],
    [424, 'ModelErrorException', 'server_error', 'request'],
    [500, 'InternalServerException', 'server_error', 'request'],
    [503, 'ServiceUnavailableException', 'overloaded', 'provider'],
  ])('%d %s in the header, with or without what follows its colon, or in the body', (status, type, verdict, scope) => {
    const expected = { verdict, scope, waitMs: null };
    expect(judged('bedrock', status, '', `x-amzn-errortype: ${type}`)).toEqual(expected);
    expect(judged('bedrock', status, '', `x-amzn-errortype: ${type}:http://internal.amazon.com/`)).toEqual(expected);
    expect(judged('bedrock', status, `{"__type":"com.amazon.coral.service#${type}"}`)).toEqual(expected);
  });

  test.each([
    ['of a longer name', 'x-amzn-errortype: UnrecognizedClientExceptionElse', ''],
    ['behind the colon', 'x-amzn-errortype: Other:UnrecognizedClientException', ''],
    ['in the words of the body', 'server: x', '{"message":"x-amzn-errortype: UnrecognizedClientException: no"}'],
  ])('a type %s is another one', (_, header, body) => {
    expect(judged('bedrock', 403, body, header).verdict).toBe('forbidden');
  });
});

describe.each(providerNames)('%s', (name) => {
  test.each([
    [200, 'insufficient_quota', 'ok', 'request'],
    [401, '', 'invalid_credential', 'key'],
    [500, '', 'server_error', 'request'],
    [529, '', 'overloaded', 'provider'],
    [0, '', 'no_response', 'request'],
  ])('%d means what it means everywhere', (status, body, verdict, scope) => {
    expect(judged(name, status, body)).toEqual({ verdict, scope, waitMs: null });
  });

  test('retry-after wins on a limit', () => {
    const answer = { status: 429, body: 'try again in 90s "retryDelay": "80s"', headers: NOTHING, responseTime: NOW, retryAfterMs: 7000 };
    expect(judge(providerByName(name)!, answer)).toMatchObject({ verdict: 'rate_limited', waitMs: 7000 });
  });
});

function judged(name: string, status: number, body: string, header = 'server: x') {
  return judge(providerByName(name)!, { status, body, headers: headersOf(header), responseTime: NOW, retryAfterMs: null });
}
