import type { Duplex } from 'node:stream';
import { Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { createKeyLease } from '../../src/client/index.ts';
import { fromDuration, toDuration } from '../../src/client/time.ts';
import {
  type AcquireKeyRequest,
  AcquireKeyResponse,
  KeyLeaseServiceService,
  type LeaseStreamRequest,
  LeaseStreamResponse,
  RetryAction,
} from '../../src/generated/keylease/v1/key_lease_service.ts';

type Unary = (call: { request: AcquireKeyRequest }, callback: (error: null, value: object) => void) => void;

/** A server where each key was waited for so long, and every call had better be made on another one. */
async function serverWithLine(waitedMs: number | undefined) {
  const asked: AcquireKeyRequest[] = [];
  const instant = { seconds: 1_000, nanos: 0 };
  const acquireKey: Unary = ({ request }, callback) => {
    asked.push(request);
    const lease = {
      leaseId: `lease-${asked.length}`,
      keyId: `k${asked.length}`,
      acquireTime: instant,
      expireTime: { ...instant, seconds: 1_060 },
    };
    callback(
      null,
      AcquireKeyResponse.fromPartial({ lease, credential: {}, ...(waitedMs === undefined ? {} : { waited: toDuration(waitedMs) }) }),
    );
  };
  const leaseStream = (stream: Duplex) =>
    stream.on('data', ({ calls }: LeaseStreamRequest) => {
      const value = { retry: { action: RetryAction.RETRY_ACTION_OTHER_KEY } };
      stream.write(LeaseStreamResponse.fromPartial({ replies: calls.map(({ id }) => ({ id, reply: { $case: 'reportHeaders', value } })) }));
    });
  const server = new Server();
  server.addService(KeyLeaseServiceService, { acquireKey, leaseStream } as unknown as Record<string, UntypedHandleCall>);
  onTestFinished(() => server.forceShutdown());
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { asked, address: `127.0.0.1:${port}` };
}

test.each([
  ['all of it where nothing was waited', 60_000, 0, 60_000],
  ['all of it where a server does not tell what was waited', 60_000, undefined, 60_000],
  ['less what was waited', 60_000, 45_500, 14_500],
  ['nothing where all of it was waited', 1_000, 1_250, 0],
  ['nothing where the caller did not want to wait', undefined, 0, undefined],
])('another key is waited for as long as the caller has left: %s', async (_name, maxWaitMs, waitedMs, leftMs) => {
  const { asked, address } = await serverWithLine(waitedMs);
  const client = createKeyLease({ address });
  onTestFinished(() => client.close());
  await client.withKey(maxWaitMs === undefined ? {} : { maxWaitMs }, {}, () => ({ status: 500 }));
  expect(asked.map(({ excludeKeyIds }) => excludeKeyIds)).toEqual([[], ['k1']]);
  expect(asked.map(({ maxWait }) => maxWait && fromDuration(maxWait))).toEqual([maxWaitMs, leftMs]);
});
