import Anthropic from '@anthropic-ai/sdk';
import { expect, test } from 'vitest';
import { useStage } from '../client/stage.ts';
import { leasedProgram } from './support.ts';

const stage = useStage();

const QUESTION = { model: 'claude-sonnet-5', max_tokens: 100, messages: [{ role: 'user' as const, content: 'word'.repeat(40) }] };
const USAGE = { input_tokens: 40, output_tokens: 50 };

async function sdk(script: object = {}) {
  const { fetch } = await leasedProgram(stage, { provider: 'anthropic' }, script);
  return new Anthropic({ apiKey: 'unused', baseURL: stage.provider, fetch });
}

test('a message is answered, and settled with its usage', async () => {
  const anthropic = await sdk();
  const message = await anthropic.messages.create(QUESTION);
  expect(message).toMatchObject({ content: [{ type: 'text', text: 'A stand-in speaks.' }], usage: USAGE });
  const acquires = [{ key: 'k1', model_class: 'claude-sonnet-5', input_tokens: 40, output_tokens: 100 }];
  const reports = [{ key: 'k1', status: 200, in_progress: false, usage: USAGE }];
  expect(await stage.departures({ server: { leases_active: 0, acquires, reports } })).toEqual([]);
});

test('a stream is read event by event, and settled with its usage', async () => {
  const anthropic = await sdk();
  const events: string[] = [];
  for await (const event of await anthropic.messages.create({ ...QUESTION, stream: true })) events.push(event.type);
  expect(events).toContain('message_stop');
  const reports = [{ in_progress: true }, { in_progress: false, usage: USAGE }];
  expect(await stage.departures({ server: { leases_active: 0, reports } })).toEqual([]);
});

test('the helper for streams makes a whole message', async () => {
  const anthropic = await sdk();
  const message = await anthropic.messages.stream(QUESTION).finalMessage();
  expect(message.usage).toMatchObject(USAGE);
  expect(await stage.departures({ server: { leases_active: 0 } })).toEqual([]);
});

test('a stream that the program aborts is settled', async () => {
  const anthropic = await sdk({ answers: { k1: ['held'] } });
  for await (const _ of await anthropic.messages.create({ ...QUESTION, stream: true })) break;
  expect(await stage.departures({ server: { leases_active: 0 }, provider: { requests: [{ end: 'aborted' }] } })).toEqual([]);
});

test('a refused credential and a rate limit reach no program while another key answers', async () => {
  const anthropic = await sdk({ answers: { k1: ['invalid_credential'] } });
  const { data, response } = await anthropic.messages.create(QUESTION).withResponse();
  expect(data.usage).toMatchObject(USAGE);
  expect(response.headers.get('x-stand-in-key')).toBe('k2');
  const keys = { k1: { state: 'UNHEALTHY' }, k2: { state: 'AVAILABLE' } };
  expect(await stage.departures({ server: { leases_active: 0, keys } })).toEqual([]);
});

test('an error of the request reaches the program with its body', async () => {
  const anthropic = await sdk({ answers: { k1: ['bad_request'] } });
  const failed = anthropic.messages.create(QUESTION);
  await expect(failed).rejects.toThrow(Anthropic.BadRequestError);
  await expect(failed).rejects.toThrow(/at least one message is required/);
  expect(await stage.departures({ server: { leases_active: 0, reports: [{ status: 400 }] } })).toEqual([]);
});

test('the retries of the SDK lease again', async () => {
  const anthropic = await sdk({ answers: { k1: ['overloaded'] } });
  const message = await anthropic.messages.create(QUESTION, { maxRetries: 5 });
  expect(message.usage).toMatchObject(USAGE);
  expect(await stage.departures({ server: { leases_active: 0 } })).toEqual([]);
});
