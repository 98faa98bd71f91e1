import { Status } from 'nice-grpc';
import { describe, expect, test } from 'vitest';
import type { StartApp } from '../../../src/cli/demo/demo.ts';
import { DEMO_KEYS } from '../../../src/cli/demo/demo-config.ts';
import type { Config } from '../../../src/config/config.ts';
import type { ReportHeadersRequest } from '../../../src/generated/keylease/v1/key_lease_service.ts';
import { refuse, startFakeServer } from '../fake-server.ts';
import { makeKey, makeLease } from '../make.ts';
import { runCli } from '../run-cli.ts';

/** A server that lends the keys in turn. */
async function lendInTurn() {
  const reports: ReportHeadersRequest[] = [];
  const seen = { config: null as Config | null, closed: 0 };
  let turn = 0;
  const address = await startFakeServer({
    async acquireKey() {
      const { id, secret } = DEMO_KEYS[turn++ % DEMO_KEYS.length]!;
      return {
        lease: makeLease({ leaseId: `l-${turn}`, keyId: id }),
        credential: { secret, headerName: 'x-api-key', headerValue: secret },
      };
    },
    async reportHeaders(request) {
      reports.push(request);
      return { retry: { delay: { seconds: 1 } } };
    },
    listKeys: async () => ({ keys: [makeKey({ keyId: 'as it ended' })] }),
    async *watchKeys(_request, { signal }) {
      yield { keys: DEMO_KEYS.map(({ id }) => makeKey({ keyId: id })), snapshotComplete: true };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    },
  });
  const startApp: StartApp = async (config) => {
    seen.config = config;
    return {
      addresses: [address],
      async close() {
        seen.closed += 1;
      },
    };
  };
  return { startApp, reports, seen };
}

describe('keylease demo', () => {
  test('plays both ways, counts what really happened, prints no secret, and closes the server it asked for', {
    timeout: 20_000,
  }, async () => {
    const { startApp, reports, seen } = await lendInTurn();
    const { code, out, err } = await runCli(['demo', '--seconds', '2', '--seed', '3'], { startApp });
    expect([code, err, seen.closed]).toEqual([0, '', 1]);
    expect(seen.config).toMatchObject({ listen: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }], store: { kind: 'memory' }, ops: null });

    const count = (status: number) => reports.filter((report) => report.statusCode === status).length;
    const keyleaseColumn = (title: string) => Number(new RegExp(`^${title}.* ([\\d,]+)$`, 'm').exec(out)?.[1]?.replaceAll(',', ''));
    expect(keyleaseColumn('calls to the provider')).toBe(reports.length);
    expect(keyleaseColumn('answered')).toBe(count(200));
    expect(keyleaseColumn('met a 401')).toBe(count(401));
    expect(count(200)).toBeGreaterThan(0);

    expect(out).toContain('as it ended  available');
    expect(out.trimEnd().split('\n').length).toBeLessThanOrEqual(40);
    expect(out.trimEnd().split('\n').at(-1)).toBe('next: keylease serve --config FILE');
    for (const { secret } of DEMO_KEYS) expect(out).not.toContain(secret);
  });

  test('ends with the refusal where the server fails, and still closes it', { timeout: 20_000 }, async () => {
    const { startApp, seen } = await lendInTurn();
    const broken = await startFakeServer({
      acquireKey: refuse(Status.INTERNAL, 'Internal error'),
      async *watchKeys(_request, { signal }) {
        yield { snapshotComplete: true };
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    });
    const { code, err } = await runCli(['demo', '--seconds', '2'], {
      startApp: async (config) => ({ ...(await startApp(config)), addresses: [broken] }),
    });
    expect([code, err, seen.closed]).toEqual([1, 'The server made a mistake; its log has the cause. (INTERNAL)\n', 1]);
  });
});
