import { setTimeout as sleep } from 'node:timers/promises';
import { type Question, questions } from './load.ts';

/** Asks one question until it is answered or the phase is over. */
export type Ask = (question: Question, phase: Phase) => Promise<void>;

/** The time in which the clients ask. */
export interface Phase {
  over(): boolean;
  /** Milliseconds until it is over. */
  left(): number;
  /** Waits, but never beyond the end. */
  pause(ms: number): Promise<void>;
}

/** A phase that begins now. */
export function beginPhase(durationMs: number): Phase {
  const end = performance.now() + durationMs;
  const left = () => Math.max(0, end - performance.now());
  return { left, over: () => left() === 0, pause: async (ms) => void (await sleep(Math.min(ms, left()))) };
}

/** Lets so many clients ask question after question until the phase is over and their last calls are answered. */
export async function runClients(count: number, seed: number, phase: Phase, ask: Ask): Promise<void> {
  const client = async (number: number) => {
    const next = questions(seed, number);
    while (!phase.over()) await ask(next(), phase);
  };
  await Promise.all(Array.from({ length: count }, (_, number) => client(number)));
}
