import { describe, expect, test } from 'vitest';
import { AcquireKeyRequest } from '../../../src/generated/keylease/v1/key_lease_service.ts';
import { type ExplainAcquireRequest, ExplainAcquireResponse, PassedOver } from '../../../src/generated/keylease/v1/pool_admin_service.ts';
import { startFakeServer } from '../fake-server.ts';
import { after, makeLimit } from '../make.ts';
import { runCli } from '../run-cli.ts';

const answer = ExplainAcquireResponse.fromPartial({
  keys: [
    { keyId: 'team-a', capacityScore: 0.9, bindingLimit: makeLimit() },
    { keyId: 'team-b', capacityScore: 0.4 },
    {
      keyId: 'team-c',
      priority: -1,
      passedOver: PassedOver.PASSED_OVER_NO_ROOM,
      bindingLimit: makeLimit({ remaining: 100 }),
      roomTime: after(12),
      message: 'needs 1,200 input tokens',
    },
  ],
  chosenKeyId: 'team-a',
  modelClass: 'sonnet',
  reservedInputTokens: 1_200,
  reservedOutputTokens: 300,
});

describe('keylease explain', () => {
  test('prints why each key would be leased or not, and which one would', async () => {
    const requests: ExplainAcquireRequest[] = [];
    const server = await startFakeServer({
      async explainAcquire(request) {
        requests.push(request);
        return answer;
      },
    });
    const { code, out } = await runCli(['explain', '--model', 'm', '--input-tokens', '1200', '--server', server]);
    expect(code).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "KEY     LEASED       PRIORITY  SCORE  BINDING LIMIT               ROOM    WHY
      team-a  this one            0   0.90  input tokens 29,987/30,000
      team-b  could be            0   0.40
      team-c  no: no room        -1   0.00  input tokens 100/30,000     in 12s  needs 1,200 input tokens

      team-a would be leased, reserving 1,200 input and 300 output tokens of model class sonnet.
      "
    `);
    expect(requests[0]?.acquireKey).toEqual(AcquireKeyRequest.fromPartial({ model: 'm', estimatedInputTokens: 1_200 }));
  });

  test('says when there will be room where no key would be leased', async () => {
    const refused = { ...answer, chosenKeyId: '', refusal: 'ALL_KEYS_EXHAUSTED', roomTime: after(12) };
    const server = await startFakeServer({ explainAcquire: async () => refused });
    const { out } = await runCli(['explain', '--server', server]);
    expect(out.trim().split('\n').at(-1)).toBe(
      'No key would be leased for 1,200 input and 300 output tokens of model class sonnet: ALL_KEYS_EXHAUSTED, room for it in 12s.',
    );
  });
});
