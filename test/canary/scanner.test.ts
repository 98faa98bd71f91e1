import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { AcquireKeyResponse, LeaseStreamResponse } from '../../src/generated/keylease/v1/key_lease_service.ts';
import { withoutCredential } from './blank.ts';
import { Scanner } from './scanner.ts';
import { newCanary } from './shapes.ts';

const CANARY = newCanary('/+');
const around = (told: string | Buffer) => Buffer.concat([randomBytes(1_000), Buffer.from(told), randomBytes(1_000)]);

test.each<readonly [string, string | Buffer]>([
  ['as it is', CANARY],
  ['in half', CANARY.slice(0, 17)],
  ['in its other half', CANARY.slice(17)],
  ['in small letters', CANARY.toLowerCase()],
  ['in hex', Buffer.from(CANARY).toString('hex')],
  ['in a URL', encodeURIComponent(CANARY)],
  ['in UTF-16', Buffer.from(CANARY, 'utf16le')],
  ...['', 'a', 'ab', 'abc'].flatMap((before) => [
    [`in base64 behind "${before}"`, Buffer.from(`${before}${CANARY} and more`).toString('base64')] as const,
    [`in base64url behind "${before}"`, Buffer.from(`${before}${CANARY}`).toString('base64url')] as const,
  ]),
])('a canary is found %s', (_, told) => {
  const scanner = new Scanner({ a: CANARY, b: newCanary() });
  scanner.scan('source', around(told));
  expect(new Set(scanner.hits.map(({ canary }) => canary))).toEqual(new Set(['a']));
  expect(scanner.summary).toMatch(/^2 canaries, 0\.0 MB scanned in 1 sources, \d+ hits$/);
});

const credential = { secret: CANARY, headerName: 'x-api-key', headerValue: CANARY, headers: { a: CANARY }, baseUrl: CANARY };
const granted = (told: string) =>
  AcquireKeyResponse.fromPartial({
    lease: { keyId: told, acquireTime: { seconds: 3 } },
    credential,
    capacityScore: 0.5,
    waited: { seconds: 300 },
  });
const UNARY = '/keylease.v1.KeyLeaseService/AcquireKey';
const STREAM = '/keylease.v1.KeyLeaseService/LeaseStream';

test('of an answer only the credential is not looked at', () => {
  const message = granted('a');
  const bytes = withoutCredential(UNARY, AcquireKeyResponse.encode(message).finish());
  expect(AcquireKeyResponse.decode(bytes)).toEqual({ ...message, credential: undefined });
  expect(withoutCredential(UNARY, AcquireKeyResponse.encode(granted(CANARY)).finish()).includes(CANARY)).toBe(true);
  expect(withoutCredential('/keylease.v1.PoolAdminService/GetKey', AcquireKeyResponse.encode(message).finish()).includes(CANARY)).toBe(
    true,
  );
});

test('of the replies of a stream only the credentials are not looked at', () => {
  const replies = (told: string) =>
    LeaseStreamResponse.fromPartial({
      replies: [
        { id: 1, reply: { $case: 'acquireKey', value: granted('a') } },
        { id: 2, reply: { $case: 'error', value: { code: 5, message: told } } },
        { id: 3, reply: { $case: 'acquireKey', value: granted('b') } },
      ],
    });
  const bytes = (told: string) => withoutCredential(STREAM, LeaseStreamResponse.encode(replies(told)).finish());
  expect(bytes('no').includes(CANARY)).toBe(false);
  expect(bytes(CANARY).includes(CANARY)).toBe(true);
});
