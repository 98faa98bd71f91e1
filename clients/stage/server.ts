import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Channel, ChannelCredentials } from '@grpc/grpc-js';
import { createClient } from 'nice-grpc';
import { type App, startApp } from '../../src/app.ts';
import { formatMistake } from '../../src/config/mistake.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { KeyState, UnhealthyReason } from '../../src/generated/keylease/v1/key.ts';
import { PoolAdminServiceDefinition } from '../../src/generated/keylease/v1/pool_admin_service.ts';
import { strategyNames } from '../../src/pool/strategy/index.ts';
import { providerNames } from '../../src/provider/index.ts';
import type { Traced } from '../../src/service/record.ts';

/** No call of a test waits longer for a server that stops. */
const DRAIN = '1s';

/** A keylease server that can be stopped and started again with what it has on disk. */
export class ServerUnderTest {
  readonly #folder = mkdtempSync(join(tmpdir(), 'keylease-stage-'));
  readonly #pools: unknown;
  #starts = 0;
  #address = '127.0.0.1:0';
  #app: App | null = null;

  constructor(pools: unknown) {
    this.#pools = pools;
  }

  get address(): string {
    return this.#address;
  }

  async start(): Promise<void> {
    this.#starts += 1;
    // There before anybody reads it.
    writeFileSync(this.#trace, '');
    this.#app = await startApp(this.#config(), { record: this.#trace });
    this.#address = this.#app.addresses[0]!;
  }

  async stop(): Promise<void> {
    await this.#app?.close();
    this.#app = null;
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async drain(pool: string, keyId: string): Promise<void> {
    await this.#admin((admin) => admin.drainKey({ pool, keyId }));
  }

  /** What the server knows, in the words of README.md; null: it is stopped. */
  async state() {
    if (this.#app === null) return null;
    return this.#admin(async (admin) => {
      const { pools } = await admin.listPools({});
      const pool = pools.length === 1 ? pools[0]!.pool : 'default';
      const { keys } = await admin.listKeys({ pool });
      return {
        leases_active: pools.reduce((sum, { activeLeases }) => sum + activeLeases, 0),
        waiting: pools.reduce((sum, { waiting }) => sum + waiting, 0),
        keys: Object.fromEntries(
          keys.map(({ keyId, state, reason, activeLeases, lastReportTime }) => [
            keyId,
            {
              state: nameOf(KeyState, state).replace('KEY_STATE_', ''),
              reason: nameOf(UnhealthyReason, reason).replace('UNHEALTHY_REASON_', ''),
              active_leases: activeLeases,
              reported: lastReportTime !== undefined,
            },
          ]),
        ),
        ...this.#traced(),
      };
    });
  }

  get #trace(): string {
    return join(this.#folder, `trace-${this.#starts}.jsonl`);
  }

  #config() {
    const content = {
      ...{ listen: this.#address, ops: false, drain_timeout: DRAIN },
      ...{ store: { kind: 'file', path: join(this.#folder, 'data') }, pools: this.#pools },
    };
    const reading = parseConfig(JSON.stringify(content), 'stage.yaml', {
      ...{ strategies: strategyNames, providers: providerNames, env: {} },
      readFile: () => ({ ok: false, problem: 'the stage has no files' }),
    });
    if (!reading.ok) throw new Error(reading.mistakes.map(formatMistake).join('\n'));
    return reading.config;
  }

  #traced() {
    const lines = readFileSync(this.#trace, 'utf8').split('\n').slice(0, -1);
    const traced = lines.map((line) => JSON.parse(line) as Traced);
    const granted = traced.filter((line) => line.kind === 'acquire').filter(({ lease }) => lease !== null);
    const keys = new Map(granted.map(({ lease, key }) => [lease, key]));
    return {
      acquires: granted.map(({ key, modelClass, inputTokens, outputTokens }) => ({
        ...{ key, model_class: modelClass, input_tokens: inputTokens, output_tokens: outputTokens },
      })),
      reports: traced
        .filter((line) => line.kind === 'report')
        .map(({ lease, status, inProgress, usage }) => ({
          ...{ key: keys.get(lease), status, in_progress: inProgress },
          usage: usage && { input_tokens: usage.inputTokens, output_tokens: usage.outputTokens },
        })),
    };
  }

  async #admin<T>(use: (admin: ReturnType<typeof adminOf>) => Promise<T>): Promise<T> {
    const channel = new Channel(this.#address, ChannelCredentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
    try {
      return await use(adminOf(channel));
    } finally {
      channel.close();
    }
  }
}

function adminOf(channel: Channel) {
  return createClient(PoolAdminServiceDefinition, channel);
}

function nameOf(names: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(names).find((name) => names[name] === value) ?? String(value);
}
