import { afterAll, beforeAll } from 'vitest';
import { startStage } from '../../clients/stage/stage.ts';

/** What `clients/README.md` calls the stage, over its control. */
export interface Stage {
  readonly grpc: string;
  readonly provider: string;
  /** Without the scheme, as the option `hosts` takes it. */
  readonly host: string;
  control(path: string, body?: unknown): Promise<Record<string, unknown>>;
  /** Starts over; addresses are new afterwards. */
  reset(script: unknown): Promise<void>;
  /** What departs from the expectation once nothing changes any more, or within the bound. */
  departures(expected: unknown): Promise<unknown>;
  state(): Promise<{ provider: { requests: { key: string; status: number; end: string }[] } }>;
}

/** One stage for all tests of a file. */
export function useStage(): Stage {
  let stage: Awaited<ReturnType<typeof startStage>>;
  beforeAll(async () => {
    stage = await startStage();
  });
  afterAll(() => stage.close());

  const control: Stage['control'] = async (path, body) => {
    const init = path === '/state' ? {} : { method: 'POST', body: JSON.stringify(body ?? {}) };
    const response = await fetch(`${stage.addresses().control}${path}`, init);
    const answer = (await response.json()) as Record<string, unknown>;
    if (!response.ok) throw new Error(String(answer.error));
    return answer;
  };
  return {
    get grpc() {
      return stage.addresses().grpc;
    },
    get provider() {
      return stage.addresses().provider;
    },
    get host() {
      return new URL(stage.addresses().provider).host;
    },
    control,
    reset: async (script) => void (await control('/reset', script)),
    // biome-ignore lint/suspicious/noThenProperty: the word of the scenarios
    departures: async (expected) => (await control('/check', { then: expected })).departures,
    state: () => control('/state') as ReturnType<Stage['state']>,
  };
}
