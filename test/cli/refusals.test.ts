import { Status } from 'nice-grpc';
import { describe, expect, test } from 'vitest';
import type { Any } from '../../src/generated/google/protobuf/any.ts';
import { BadRequest, ErrorInfo, QuotaFailure, ResourceInfo, RetryInfo } from '../../src/generated/google/rpc/error_details.ts';
import { detail, refuse, startFakeServer } from './fake-server.ts';
import { runCli } from './run-cli.ts';

const info = (reason: string, metadata: Record<string, string> = {}) =>
  detail('ErrorInfo', ErrorInfo, { reason, domain: 'keylease', metadata });
const retryIn = (seconds: number) => detail('RetryInfo', RetryInfo, { retryDelay: { seconds, nanos: 0 } });
const resource = (resourceType: string, resourceName: string) =>
  detail('ResourceInfo', ResourceInfo, { resourceType, resourceName, owner: '', description: '' });
const badFields = (...fields: readonly [field: string, description: string][]) =>
  detail(
    'BadRequest',
    BadRequest,
    BadRequest.fromPartial({ fieldViolations: fields.map(([field, description]) => ({ field, description })) }),
  );
const quota = (description: string) => detail('QuotaFailure', QuotaFailure, QuotaFailure.fromPartial({ violations: [{ description }] }));
const COUNTS = { keys: '3', cooldown: '1', unhealthy: '0', no_room: '2' };

interface Row {
  readonly situation: string;
  readonly status: Status;
  readonly message?: string;
  readonly details?: readonly Any[];
  readonly says: string;
}

describe('a refusal is told in words, with what to do', () => {
  test.each<Row>([
    {
      situation: 'no key has room',
      status: Status.RESOURCE_EXHAUSTED,
      details: [info('ALL_KEYS_EXHAUSTED', COUNTS), retryIn(12)],
      says: 'No key has room: 3 keys, 1 in cooldown, 2 without room. Ask again in 12s, or wait in line with --max-wait. (RESOURCE_EXHAUSTED, ALL_KEYS_EXHAUSTED)',
    },
    {
      situation: 'the line is full',
      status: Status.RESOURCE_EXHAUSTED,
      details: [info('TOO_MANY_WAITERS'), retryIn(1)],
      says: 'The line of waiting calls is full. Ask again in 1s. (RESOURCE_EXHAUSTED, TOO_MANY_WAITERS)',
    },
    {
      situation: 'the demand exceeds every limit',
      status: Status.FAILED_PRECONDITION,
      details: [info('DEMAND_EXCEEDS_LIMIT'), quota('team-a: 40,000 input tokens of 30,000')],
      says: 'No key could ever serve this demand: team-a: 40,000 input tokens of 30,000. Ask for less, or use a pool with higher limits. (FAILED_PRECONDITION, DEMAND_EXCEEDS_LIMIT)',
    },
    {
      situation: 'every key is unhealthy',
      status: Status.FAILED_PRECONDITION,
      details: [info('NO_HEALTHY_KEYS', { keys: '3', unhealthy: '1', draining: '1', excluded: '1' })],
      says: 'No key may be leased: 3 keys, 1 unhealthy, 1 draining, 1 excluded. `keylease keys` says why; `keylease mark-healthy KEY` and `keylease enable KEY` bring one back. (FAILED_PRECONDITION, NO_HEALTHY_KEYS)',
    },
    {
      situation: 'the key is unknown',
      status: Status.NOT_FOUND,
      details: [info('NOT_FOUND'), resource('keylease.v1/key', 'team-x')],
      says: 'There is no key team-x. `keylease keys` lists those that are. (NOT_FOUND)',
    },
    {
      situation: 'the lease is unknown and nothing more is told',
      status: Status.NOT_FOUND,
      message: 'No such lease.',
      says: 'No such lease. (NOT_FOUND)',
    },
    {
      situation: 'the request is malformed',
      status: Status.INVALID_ARGUMENT,
      details: [badFields(['ttl', 'must be positive'], ['model', 'at most 256 bytes'])],
      says: 'The server does not accept this:\n  ttl: must be positive\n  model: at most 256 bytes\n(INVALID_ARGUMENT)',
    },
    {
      situation: 'a configuration has mistakes',
      status: Status.INVALID_ARGUMENT,
      details: [
        info('CONFIG_MISTAKES'),
        badFields(['(configuration)', 'k.yaml:3:5 pools: missing'], ['(configuration)', 'k.yaml:9:1 listen: no port']),
      ],
      says: 'The configuration has mistakes, and nothing was changed:\n  k.yaml:3:5 pools: missing\n  k.yaml:9:1 listen: no port\n(INVALID_ARGUMENT, CONFIG_MISTAKES)',
    },
    {
      situation: 'there is room by now',
      status: Status.RESOURCE_EXHAUSTED,
      details: [info('TOO_MANY_WAITERS'), retryIn(0)],
      says: 'The line of waiting calls is full. Ask again now. (RESOURCE_EXHAUSTED, TOO_MANY_WAITERS)',
    },
    {
      situation: 'the caller is unknown',
      status: Status.UNAUTHENTICATED,
      message: 'no token',
      details: [info('NO_CREDENTIAL')],
      says: 'The server does not know who is calling: no token. (UNAUTHENTICATED, NO_CREDENTIAL)',
    },
    {
      situation: 'the caller may not do that',
      status: Status.PERMISSION_DENIED,
      message: 'operators only',
      details: [info('NOT_OPERATOR')],
      says: 'This caller may not do that: operators only. An operator can. (PERMISSION_DENIED, NOT_OPERATOR)',
    },
    {
      situation: 'the store is lost',
      status: Status.UNAVAILABLE,
      message: 'the store is lost',
      details: [retryIn(5)],
      says: 'The server cannot answer at the moment: the store is lost. Ask again in 5s. (UNAVAILABLE)',
    },
    {
      situation: 'the server made a mistake',
      status: Status.INTERNAL,
      message: 'Internal error',
      says: 'The server made a mistake; its log has the cause. (INTERNAL)',
    },
    {
      situation: 'the server is another one',
      status: Status.UNIMPLEMENTED,
      says: 'The server there does not know this call: it is no keylease server, or an older one. (UNIMPLEMENTED)',
    },
    {
      situation: 'the status is a rare one, and its text tries to steer the terminal',
      status: Status.ABORTED,
      message: 'moved\x1b[2J on',
      says: 'The server refused: moved [2J on. (ABORTED)',
    },
  ])('where $situation', async ({ status, message = 'x', details = [], says }) => {
    const server = await startFakeServer({ acquireKey: refuse(status, message, details) });
    expect(await runCli(['lease', '--server', server])).toEqual({ code: 1, out: '', err: `${says}\n` });
  });

  test('a refusal without a moment is to be asked again later', async () => {
    const server = await startFakeServer({
      acquireKey: refuse(Status.RESOURCE_EXHAUSTED, 'x', [info('ALL_KEYS_EXHAUSTED', { keys: '2', cooldown: '2' })]),
    });
    const { err } = await runCli(['lease', '--server', server]);
    expect(err).toContain('2 keys, 2 in cooldown. Ask again later,');
  });

  test('with --json it is an object on standard error', async () => {
    const server = await startFakeServer({
      acquireKey: refuse(Status.RESOURCE_EXHAUSTED, 'no room', [info('ALL_KEYS_EXHAUSTED', COUNTS), retryIn(12)]),
    });
    const { code, out, err } = await runCli(['lease', '--json', '--server', server]);
    expect([code, out]).toEqual([1, '']);
    expect(JSON.parse(err)).toMatchObject({
      error: { status: 'RESOURCE_EXHAUSTED', reason: 'ALL_KEYS_EXHAUSTED', message: 'no room', retryAfterMs: 12_000, metadata: COUNTS },
    });
  });
});
