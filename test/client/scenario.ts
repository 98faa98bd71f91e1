import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { createKeyLease, type KeyLease, KeyLeaseRefused, leasedFetch } from '../../src/client/index.ts';
import type { Stage } from './stage.ts';

export interface Scenario {
  readonly name: string;
  readonly via?: readonly Via[];
  readonly client?: { readonly fallback?: string };
  readonly steps: readonly Step[];
  readonly then: unknown;
}

export type Via = 'with_key' | 'transport';

interface CallStep {
  readonly api?: 'messages' | 'chat' | 'responses';
  readonly stream?: boolean;
  readonly leave_after_first_event?: boolean;
  readonly not_sent?: boolean;
  readonly prompt_tokens?: number;
  readonly max_tokens?: number;
  readonly max_wait_ms?: number;
}

interface Step {
  readonly call?: CallStep;
  readonly expect?: object;
  readonly during?: readonly Step[];
  readonly check?: unknown;
  readonly stats?: object;
  readonly wait_ms?: number;
  readonly stop?: unknown;
  readonly start?: unknown;
  readonly release?: unknown;
  readonly drain?: unknown;
}

/** Plays one scenario of `clients/scenarios.yaml` in one of the ways in which a program may call. */
export async function play(stage: Stage, scenario: Scenario, via: Via): Promise<void> {
  await stage.reset({ scenario: scenario.name });
  const { fallback } = scenario.client ?? {};
  const client = createKeyLease({ address: stage.grpc, ...(fallback === undefined ? {} : { fallback: { key: fallback } }) });
  try {
    await playAll(scenario.steps, { stage, client, via });
    expect(await stage.departures(scenario.then)).toEqual([]);
  } finally {
    await client.close();
  }
}

interface Playing {
  readonly stage: Stage;
  readonly client: KeyLease;
  readonly via: Via;
}

async function playAll(steps: readonly Step[], playing: Playing): Promise<void> {
  for (const step of steps) await playOne(step, playing);
}

async function playOne(step: Step, playing: Playing): Promise<void> {
  const { stage, client } = playing;
  if (step.call !== undefined) {
    const outcome = make(step.call, playing);
    await playAll(step.during ?? [], playing);
    expect(await outcome).toMatchObject(step.expect ?? {});
  }
  if (step.check !== undefined) expect(await stage.departures(step.check)).toEqual([]);
  if (step.stats !== undefined) expect(client.stats()).toMatchObject(step.stats);
  if (step.wait_ms !== undefined) await sleep(step.wait_ms);
  for (const control of ['stop', 'start', 'release', 'drain'] as const)
    if (step[control] !== undefined) await stage.control(`/${control}`, step[control]);
}

/** One call of the program, and what the program saw of it. */
async function make(call: CallStep, { stage, client, via }: Playing) {
  const maxWait = call.max_wait_ms ?? 0;
  const { path, body } = requestOf(call);
  const url = `${stage.provider}${path}`;
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const demand = { model: body.model, inputTokens: call.prompt_tokens ?? 16, outputTokens: call.max_tokens ?? 64 };
  const send =
    via === 'transport'
      ? () => leasedFetch(client, { hosts: [stage.host], maxWaitMs: maxWait })(url, init)
      : () =>
          client.withKey({ maxWaitMs: maxWait }, demand, (key) => {
            if (call.not_sent) throw new Error('not sent');
            return fetch(url, { ...init, headers: { ...init.headers, ...key.headers } });
          });
  try {
    const response = await send();
    const seen = { status: response.status, key: response.headers.get('x-stand-in-key') };
    if (call.leave_after_first_event) {
      for await (const _ of response.body!) break;
      return { outcome: 'left', ...seen };
    }
    await response.text();
    return { outcome: 'answered', ...seen };
  } catch (error) {
    return error instanceof KeyLeaseRefused ? { outcome: 'refused', reason: error.reason } : { outcome: 'failed', error };
  }
}

const PATHS = { messages: '/v1/messages', chat: '/v1/chat/completions', responses: '/v1/responses' } as const;

function requestOf({ api = 'messages', stream = false, prompt_tokens = 16, max_tokens = 64 }: CallStep) {
  const model = api === 'messages' ? 'claude-sonnet-5' : 'gpt-5';
  const prompt = 'word'.repeat(prompt_tokens);
  const messages = [{ role: 'user', content: prompt }];
  const body = {
    messages: { model, max_tokens, messages, stream },
    chat: { model, max_completion_tokens: max_tokens, messages, stream, ...(stream ? { stream_options: { include_usage: true } } : {}) },
    responses: { model, max_output_tokens: max_tokens, input: prompt, stream },
  }[api];
  return { path: PATHS[api], body };
}
