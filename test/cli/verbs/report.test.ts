import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { KeyState, UnhealthyReason } from '../../../src/generated/keylease/v1/key.ts';
import {
  ReportHeadersRequest,
  ReportHeadersResponse,
  RetryAction,
  Verdict,
  VerdictScope,
} from '../../../src/generated/keylease/v1/key_lease_service.ts';
import { LeaseState } from '../../../src/generated/keylease/v1/lease.ts';
import { startFakeServer } from '../fake-server.ts';
import { after, makeKey, makeLease } from '../make.ts';
import { runCli } from '../run-cli.ts';

const limited = ReportHeadersResponse.fromPartial({
  lease: makeLease({ state: LeaseState.LEASE_STATE_SETTLED }),
  key: makeKey({
    state: KeyState.KEY_STATE_COOLDOWN,
    reason: UnhealthyReason.UNHEALTHY_REASON_RATE_LIMITED,
    availableTime: after(16),
  }),
  verdict: Verdict.VERDICT_RATE_LIMITED,
  scope: VerdictScope.VERDICT_SCOPE_LIMIT_GROUP,
  until: after(16),
  retry: { action: RetryAction.RETRY_ACTION_OTHER_KEY },
  ignoredHeaders: [{ name: 'anthropic-ratelimit-requests-limit', reason: 'not a number' }],
});

async function report(args: readonly string[], input = '') {
  const requests: ReportHeadersRequest[] = [];
  const server = await startFakeServer({
    async reportHeaders(request) {
      requests.push(request);
      return limited;
    },
  });
  return { ...(await runCli(['--server', server, 'report', 'l-1', ...args], { input })), request: requests[0] };
}

async function fileWith(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'keylease-report-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'file');
  await writeFile(path, text);
  return path;
}

describe('keylease report', () => {
  test('prints what was made of the report', async () => {
    const { code, out } = await report(['--status', '429']);
    expect(code).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "verdict  rate limited, about the limit group, ends in 16s
      retry    with another key at once
      key      team-a is in cooldown (rate limited), available in 16s
      lease    settled
      ignored  anthropic-ratelimit-requests-limit: not a number
      "
    `);
  });

  test('prints the response as JSON with --json', async () => {
    const { out } = await report(['--status', '429', '--json']);
    expect(JSON.parse(out)).toEqual(ReportHeadersResponse.toJSON(limited));
  });

  test('takes headers, status and body from files, and headers of the command line over those', async () => {
    const headers = await fileWith('HTTP/2 429\r\nRetry-After: 16\r\nx: 1\r\n\r\n');
    const body = await fileWith('{"type":"error"}');
    const { request } = await report(['--headers-file', headers, '--header', 'x: 2', '--error-body', body]);
    expect(request).toEqual(
      ReportHeadersRequest.fromPartial({
        leaseId: 'l-1',
        statusCode: 429,
        headers: { 'retry-after': '16', x: '2' },
        errorBody: '{"type":"error"}',
      }),
    );
  });

  test('reads headers from standard input', async () => {
    const { request } = await report(['--status', '200', '--headers-file', '-'], 'a: 1');
    expect(request?.headers).toEqual({ a: '1' });
  });

  test('sends usage where one of its numbers was given, else none', async () => {
    const given = await report(['--status', '200', '--input-tokens', '12']);
    const none = await report(['--status', '200']);
    expect(given.request?.usage).toMatchObject({ inputTokens: 12, outputTokens: 0 });
    expect(none.request?.usage).toBeUndefined();
  });

  test('cuts an error body at 16 KiB', async () => {
    const { request } = await report(['--status', '400', '--error-body', '-'], 'x'.repeat(20_000));
    expect(request?.errorBody).toHaveLength(16_384);
  });

  test('says that the call still runs with --in-progress', async () => {
    const { request } = await report(['--status', '200', '--in-progress']);
    expect(request?.inProgress).toBe(true);
  });

  test.each([
    { rule: 'no status at all', args: [], message: 'say --status, or give a headers file with a status line' },
    { rule: 'a status that is none', args: ['--status', '42'], message: 'Write an HTTP status' },
    { rule: 'a header without a colon', args: ['--status', '200', '--header', 'x'], message: '--header: line 1 is not "name: value"' },
    {
      rule: 'a file that is not there',
      args: ['--status', '200', '--headers-file', '/nowhere/h'],
      message: 'cannot read /nowhere/h: ENOENT',
    },
    {
      rule: 'two readers of standard input',
      args: ['--status', '200', '--headers-file', '-', '--error-body', '-'],
      message: 'cannot both read standard input',
    },
  ])('is used wrongly with $rule, and sends nothing', async ({ args, message }) => {
    const { code, err, request } = await report(args);
    expect([code, request]).toEqual([2, undefined]);
    expect(err).toContain(message);
  });

  test.each([
    { retry: { action: RetryAction.RETRY_ACTION_NONE }, words: 'retry    none' },
    { retry: { action: RetryAction.RETRY_ACTION_AFTER_DELAY, delay: { seconds: 2 } }, words: 'retry    again in 2s' },
    { retry: { action: RetryAction.RETRY_ACTION_DO_NOT_RETRY }, words: 'retry    do not retry' },
    { retry: { action: RetryAction.RETRY_ACTION_OTHER_KEY }, words: 'retry    with another key at once' },
  ])('tells the advice in words: $words', async ({ retry, words }) => {
    const server = await startFakeServer({ reportHeaders: async () => ({ ...limited, retry }) });
    const { out } = await runCli(['--server', server, 'report', 'l-1', '--status', '200']);
    expect(out).toContain(`${words}\n`);
  });
});
