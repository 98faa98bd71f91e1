import { amountOn } from '../pool/hold.ts';
import type { Demand } from '../pool/model.ts';
import type { Dimension, Headers, Millis, ModelClass, Provider } from '../pool/upstream.ts';
import { Allowance } from './allowance.ts';
import { type Allowances, writeHeaders } from './header-writer.ts';
import type { Random } from './random.ts';
import { type Call, limitsOf, type ProviderSettings, type ScenarioKey, START } from './scenario.ts';

/** What the provider answers, and what it goes on counting until the call is over. */
export interface Admission {
  readonly status: number;
  readonly headers: Map<string, string>;
  readonly body: string;
  /** Null: the call was not let in. */
  readonly finish: ((now: Millis) => void) | null;
}

/** An organization: its allowances by model class, and its calls under way. */
export interface Organization {
  readonly id: string;
  readonly allowances: Map<ModelClass, Allowances>;
  underWay: number;
  /** Milliseconds that calls ran, of those that are over. */
  ranMs: number;
  readonly started: Set<{ readonly at: Millis }>;
}

/** A provider as it is. It lets a request in while every limit has what the request needs of it at its start, and something of all others. */
export class ProviderModel {
  readonly organizations = new Map<string, Organization>();
  readonly #settings: ProviderSettings;
  readonly #provider: Provider;
  readonly #keys: ReadonlyMap<string, ScenarioKey>;
  readonly #random: Random;

  constructor(settings: ProviderSettings, provider: Provider, keys: readonly ScenarioKey[], random: Random) {
    this.#settings = settings;
    this.#provider = provider;
    this.#keys = new Map(keys.map((key) => [key.id, key]));
    this.#random = random;
    for (const { organization: id } of keys) {
      this.organizations.set(id, { id, allowances: new Map(), underWay: 0, ranMs: 0, started: new Set() });
    }
  }

  /** A request arrives at the provider. */
  admit(keyId: string, call: Call, now: Millis): Admission {
    const key = this.#keys.get(keyId);
    const organization = this.organizations.get(key?.organization ?? '');
    if (key === undefined || organization === undefined) throw new Error(`the provider knows no key ${keyId}`);
    if (key.revokedAtMs !== null && now >= START + key.revokedAtMs) return refused(401, 'authentication_error');
    const trouble = this.#settings.troubles.find(({ atMs, forMs }) => now >= START + atMs && now < START + atMs + forMs);
    if (trouble !== undefined && this.#random() < trouble.share) return refused(trouble.status, 'overloaded_error');
    const allowances = this.allowancesOf(organization, call.modelClass, now);
    const waitMs = this.#waitFor(organization, allowances, call, now);
    if (waitMs > 0) return this.#limited(organization, allowances, waitMs, now);
    const finish = this.#begin(organization, allowances, call, now);
    return { status: 200, headers: this.#headers(organization, allowances, now), body: '', finish };
  }

  /** The allowances of a model class, full as at the start where it was never called. */
  allowancesOf(organization: Organization, modelClass: ModelClass, now: Millis): Allowances {
    let allowances = organization.allowances.get(modelClass);
    if (allowances === undefined) {
      const { windowMs, refill, fill } = this.#settings;
      const limits = Object.entries(limitsOf(this.#settings, modelClass)) as [Dimension, number][];
      allowances = new Map(limits.map(([dimension, limit]) => [dimension, new Allowance({ limit, windowMs, refill, fill }, now)]));
      organization.allowances.set(modelClass, allowances);
    }
    return allowances;
  }

  #waitFor(organization: Organization, allowances: Allowances, call: Call, now: Millis): number {
    const { concurrency } = this.#settings;
    let waitMs = concurrency !== null && organization.underWay >= concurrency ? 1_000 : 0;
    for (const [dimension, allowance] of allowances) {
      const atStart = this.#provider.counting[dimension] === 'at_start';
      waitMs = Math.max(waitMs, allowance.waitFor(atStart ? amountOf(dimension, call) : 1, now));
    }
    return waitMs;
  }

  #begin(organization: Organization, allowances: Allowances, call: Call, now: Millis): (now: Millis) => void {
    const run = { at: now };
    organization.underWay += 1;
    organization.started.add(run);
    const drains: [Allowance, number][] = [];
    for (const [dimension, allowance] of allowances) {
      const amount = amountOf(dimension, call);
      if (this.#provider.counting[dimension] === 'at_start') allowance.take(amount, now);
      else drains.push([allowance, amount / call.lengthMs]);
    }
    for (const [allowance, perMs] of drains) allowance.drain(perMs, now);
    return (end) => {
      organization.underWay -= 1;
      organization.ranMs += end - now;
      organization.started.delete(run);
      for (const [allowance, perMs] of drains) allowance.drain(-perMs, end);
    };
  }

  #limited(organization: Organization, allowances: Allowances, waitMs: number, now: Millis): Admission {
    const headers = this.#headers(organization, allowances, now);
    if (this.#settings.retryAfter) headers.set('retry-after', String(Math.max(1, Math.ceil(Math.min(waitMs, 86_400_000) / 1_000))));
    return { status: 429, headers, body: bodyOf('rate_limit_error'), finish: null };
  }

  #headers({ id }: Organization, allowances: Allowances, now: Millis): Map<string, string> {
    const { dialect, rounding, headers, announces } = this.#settings;
    return writeHeaders(headers ? allowances : new Map(), { dialect, rounding, account: announces ? id : null }, now);
  }
}

/** What a call uses of a dimension in truth. */
export function amountOf(dimension: Dimension, { inputTokens, outputTokens }: Pick<Call, 'inputTokens' | 'outputTokens'>): number {
  const demand: Demand = { requests: 1, inputTokens, outputTokens };
  return amountOn(dimension, demand);
}

function refused(status: number, type: string): Admission {
  return { status, headers: new Map(), body: bodyOf(type), finish: null };
}

function bodyOf(type: string): string {
  return JSON.stringify({ type: 'error', error: { type } });
}

/** The headers as they leave: with the moment at which they do. */
export function sentAt(headers: Map<string, string>, now: Millis): Headers {
  return headers.set('date', httpDate(now));
}

let [dateSecond, dateText] = [-1, ''];

/** Responses of one second share a text. */
function httpDate(now: Millis): string {
  const second = Math.floor(now / 1_000);
  if (second !== dateSecond) [dateSecond, dateText] = [second, new Date(now).toUTCString()];
  return dateText;
}
