import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { AttackedServer } from './server.ts';

/** What a client that behaves well has met since it was last asked. */
export interface Experience {
  /** Milliseconds of each call. */
  readonly latencies: readonly number[];
  /** Calls that failed or were answered wrongly, as sentences. */
  readonly wrong: readonly string[];
}

export interface Bystander {
  /** Answers what was met since the last time. */
  tell(): Promise<Experience>;
  stop(): Promise<unknown>;
}

/** Starts a client that behaves well, in a thread of its own so that the attacker's work does not count as the server's. */
export function startBystander({ address, ca }: AttackedServer): Bystander {
  const worker = new Worker(new URL('./well-client.ts', import.meta.url), { workerData: { address, ca } });
  return {
    async tell() {
      worker.postMessage('tell');
      const [experience] = await once(worker, 'message');
      return experience;
    },
    stop: () => worker.terminate(),
  };
}
