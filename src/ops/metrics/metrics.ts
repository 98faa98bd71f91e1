import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { CallObserver } from '../../service/finished-call.ts';
import { CallTimings } from './call-timings.ts';
import { addCounters } from './counters.ts';
import { Gauges, type Sights } from './gauges.ts';

/** Of the package, for people. */
export interface Build {
  readonly version: string;
}

export type { Sights };

/** Everything that is measured, in a registry of its own. */
export class Metrics {
  readonly registry = new Registry();
  readonly contentType = this.registry.contentType;
  readonly #calls = new CallTimings();
  readonly #gauges: Gauges;
  #collecting: Promise<void> | undefined;

  constructor(sights: Sights, { version }: Build, keysShownMax?: number) {
    addCounters(this.registry, sights.counts, this.#calls);
    this.#gauges = new Gauges(this.registry, sights, keysShownMax);
    const info = new Gauge({
      name: 'keylease_build_info',
      help: 'What runs; always 1.',
      labelNames: ['version', 'node'],
      registers: [this.registry],
    });
    info.set({ version, node: process.version }, 1);
    collectDefaultMetrics({ register: this.registry });
  }

  /** Hears of every call. */
  readonly observe: CallObserver = (call) => this.#calls.record(call);

  /** Looks at everything that is read at a scrape. Those who ask at once share one look. */
  collect(): Promise<void> {
    this.#collecting ??= this.#gauges.collect().finally(() => {
      this.#collecting = undefined;
    });
    return this.#collecting;
  }

  /** In the text format of Prometheus. */
  async scrape(): Promise<string> {
    await this.collect();
    return this.registry.metrics();
  }
}
