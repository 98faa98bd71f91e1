import type { RetryAdvice } from '../pool/retry.ts';
import type { Millis } from '../pool/upstream.ts';
import type { Desk, DeskAnswer, DeskReport, Grant } from './desk.ts';
import type { EventQueue } from './events.ts';
import type { Measure } from './measure.ts';
import { type ProviderModel, sentAt } from './provider-model.ts';
import { between, type Random, seededRandom } from './random.ts';
import type { Call, Network, Patience, Scenario } from './scenario.ts';

/** When to ask again where nobody said. */
const PAUSE_MS = 1_000;

/** Those who are told the same moment do not all come in it. */
const SCATTER_MS = 50;

/** How long the provider takes before it answers with the headers of a streamed response, or with an error. */
const FIRST_BYTE_MS = 300;
const ERROR_MS = 5;

const NOBODY: ReadonlySet<string> = new Set();

/** Where all clients of a simulation live. */
export interface Stage {
  readonly queue: EventQueue;
  readonly desk: Desk;
  readonly provider: ProviderModel;
  readonly measure: Measure;
  readonly scenario: Scenario;
  readonly seed: number;
}

/** Makes one call: leases, sends, reports, and tries again as it is advised until its patience is over. */
export function makeCall(stage: Stage, call: Call): void {
  new Client(stage, call).ask(NOBODY);
}

class Client {
  readonly #stage: Stage;
  readonly #call: Call;
  readonly #random: Random;
  readonly #network: Network;
  readonly #patience: Patience;
  readonly #giveUpTime: Millis;

  constructor(stage: Stage, call: Call) {
    this.#stage = stage;
    this.#call = call;
    this.#random = seededRandom(stage.seed, 3, call.number);
    this.#network = stage.scenario.network;
    this.#patience = stage.scenario.patience;
    this.#giveUpTime = call.arrival + this.#patience.giveUpMs;
  }

  ask(excluded: ReadonlySet<string>): void {
    const { desk, queue } = this.#stage;
    const waitMaxMs = Math.min(this.#patience.waitMaxMs, this.#giveUpTime - queue.now);
    desk.acquire(this.#call, excluded, waitMaxMs, (answer) => this.#answered(answer));
  }

  #answered(answer: DeskAnswer): void {
    const { queue, measure } = this.#stage;
    if (answer.kind === 'granted') {
      this.#send(answer.grant);
      return;
    }
    const time = Math.max(queue.now + 1, answer.retryTime ?? queue.now + PAUSE_MS) + between(this.#random, 0, SCATTER_MS);
    if (time <= this.#giveUpTime) queue.at(time, () => this.ask(NOBODY));
    else measure.gaveUp(this.#call, 'refused');
  }

  #send(grant: Grant): void {
    const { queue, measure } = this.#stage;
    const requestTime = queue.now;
    measure.sent();
    queue.at(requestTime + this.#lag(), () => this.#arrive(grant, requestTime));
  }

  #arrive(grant: Grant, requestTime: Millis): void {
    const { queue, provider, measure } = this.#stage;
    const { lengthMs, streams, inputTokens, outputTokens } = this.#call;
    const begun = queue.now;
    const { status, headers, body, finish } = provider.admit(grant.keyId, this.#call, begun);
    measure.answered(this.#call, grant.keyId, status, requestTime, begun);
    const isStream = finish !== null && streams && lengthMs > FIRST_BYTE_MS;
    const sent = begun + (finish === null ? ERROR_MS : isStream ? FIRST_BYTE_MS : lengthMs);
    const responseTime = Math.ceil(sent + this.#lag());
    const response = { status, headers: sentAt(headers, sent), body };
    const reportAt = (time: Millis, used: DeskReport['used'], inProgress: boolean) =>
      queue.at(time, () => this.#report({ grant, ...response, requestTime, responseTime, used, inProgress }));
    if (finish === null) {
      reportAt(responseTime, null, false);
      return;
    }
    queue.at(begun + lengthMs, () => finish(queue.now));
    if (isStream) reportAt(responseTime, null, true);
    if (this.#call.crashes) return;
    const overTime = Math.max(responseTime, begun + lengthMs + this.#network.leastMs);
    reportAt(overTime + this.#call.reportsLateByMs, { inputTokens, outputTokens }, false);
  }

  #report(report: DeskReport): void {
    const advice = this.#stage.desk.report(report);
    if (report.status !== 200) this.#follow(advice, report.grant);
  }

  #follow({ action, delayMs }: RetryAdvice, grant: Grant): void {
    const { queue, measure } = this.#stage;
    const time = queue.now + (action === 'after_delay' ? (delayMs ?? PAUSE_MS) + between(this.#random, 0, SCATTER_MS) : 1);
    const isOver = action === 'none' || action === 'do_not_retry' || time > this.#giveUpTime;
    if (isOver) measure.gaveUp(this.#call, 'failed');
    else queue.at(time, () => this.ask(action === 'other_key' ? new Set([grant.keyId]) : NOBODY));
  }

  #lag(): number {
    return between(this.#random, this.#network.leastMs, this.#network.mostMs);
  }
}
