import type { Logger } from 'pino';
import { isLocal } from '../config/address.ts';
import type { Config } from '../config/config.ts';
import type { CallObserver } from '../service/finished-call.ts';
import { callLog } from './call-log.ts';
import { Live } from './dashboard/live.ts';
import { readPage } from './dashboard/page.ts';
import { Rates } from './dashboard/rates.ts';
import { OpsServer } from './http.ts';
import { Metrics, type Sights } from './metrics/metrics.ts';
import { openOtlp } from './telemetry/otlp.ts';
import { VERSION } from './version.ts';

export interface OperationsOptions extends Sights {
  readonly config: Pick<Config, 'ops' | 'logCalls' | 'otlp'>;
  readonly log: Logger;
  /** Whether calls can be answered now. */
  readonly isReady: () => boolean;
}

/** What operators see of a service. */
export interface Operations {
  /** Hears of every call that is over. */
  readonly observe: CallObserver;
  /** Answers the address of the operations listener as bound; null: it is off. */
  listen(): Promise<string | null>;
  /** Sends what was not sent yet, and ends. */
  close(): Promise<void>;
}

/** Log, metrics, traces and the page, as far as the configuration wants them. */
export async function openOperations(options: OperationsOptions): Promise<Operations> {
  const { config, log } = options;
  const metrics = config.ops === null && config.otlp === null ? null : new Metrics(options, { version: VERSION });
  const otlp = config.otlp === null || metrics === null ? null : await openOtlp(config.otlp, metrics, VERSION);
  const page = config.ops === null || metrics === null ? null : openPage(config.ops, options, metrics);
  const observers: CallObserver[] = [
    ...(metrics === null ? [] : [metrics.observe]),
    ...(config.logCalls === 'none' ? [] : [callLog(log, config.logCalls)]),
    ...(otlp === null ? [] : [otlp.observe]),
  ];
  return {
    observe: (call) => {
      for (const observe of observers) observe(call);
    },
    listen: async () => page?.listen() ?? null,
    close: async () => {
      await page?.close();
      await otlp?.close();
    },
  };
}

function openPage(ops: NonNullable<Config['ops']>, options: OperationsOptions, metrics: Metrics) {
  const { log, isReady } = options;
  const rates = new Rates(options.counts);
  const live = new Live({ sights: options, rates, onFault: (err) => log.error({ err }, 'fault in the operations page') });
  const isLoopback = isLocal({ kind: 'tcp', host: ops.host, port: ops.port });
  const learning = () => options.store.learningPools?.().length ?? 0;
  const server = new OpsServer({ isReady, learning, metrics, page: readPage(), live, log, token: ops.token, isLoopback });
  return {
    listen: () => server.listen(ops.host, ops.port),
    close: async () => {
      rates.close();
      live.close();
      await server.close();
    },
  };
}
