import type { Ask } from './clients.ts';
import { callProvider } from './provider-call.ts';

const BACK_OFF_MS = 500;

/** Asks with each secret in turn. After a 429 the next one is tried; once all have refused, it waits as long as the shortest `retry-after`. */
export function askRoundRobin(url: string, secrets: readonly string[]): Ask {
  let turn = 0;
  return async (question, phase) => {
    let waits: number[] = [];
    while (!phase.over()) {
      const secret = secrets[turn++ % secrets.length]!;
      const answer = await callProvider(url, { 'x-api-key': secret }, question);
      if (answer.status === 200) return;
      waits.push(Number(answer.headers['retry-after'] ?? 0) * 1_000 || BACK_OFF_MS);
      if (waits.length < secrets.length) continue;
      await phase.pause(Math.min(...waits));
      waits = [];
    }
  };
}
