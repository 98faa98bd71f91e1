import * as z from 'zod';
import type { Millis, ModelClass, Observation, Provider, Usage } from '../pool/upstream.ts';
import { providerByName } from '../provider/index.ts';
import type { TracedAcquire, TracedReport } from '../service/record.ts';
import { dialectNames } from './header-writer.ts';
import { type Call, type Limits, type ProviderSettings, type Scenario, type ScenarioKey, START } from './scenario.ts';

/** A recorded trace as a scenario with the calls that were made, or what is wrong with it. */
export type TraceReading =
  | { readonly ok: true; readonly scenario: Scenario; readonly calls: readonly Call[] }
  | { readonly ok: false; readonly mistakes: readonly string[] };

const MISTAKES_MAX = 10;
const MINUTE_MS = 60_000;

/** A refused caller who asks for the same again within this time wants it once. */
const ASKS_AGAIN_MS = 60_000;

const count = z.int().min(0);
const named = z.string().max(300);

const usage = z.object({
  inputTokens: count,
  outputTokens: count,
  cacheReadInputTokens: count,
  cacheCreationInputTokens: count,
}) satisfies z.ZodType<Usage>;

const line = z.discriminatedUnion('kind', [
  z.object({
    ...{ kind: z.literal('acquire'), time: count, pool: named, provider: named, modelClass: named, holder: named },
    ...{ requests: count, inputTokens: count.nullable(), outputTokens: count.nullable(), waitedMs: count },
    ...{ lease: count.nullable(), key: named.nullable(), group: named.nullable() },
  }) satisfies z.ZodType<TracedAcquire>,
  z.object({
    ...{ kind: z.literal('report'), time: count, lease: count, status: count, headers: z.record(named, named), usage: usage.nullable() },
    ...{ requestTime: count.nullable(), responseTime: count.nullable(), inProgress: z.boolean() },
  }) satisfies z.ZodType<TracedReport>,
]);

/** Reads a trace; of several pools the one that was asked most. The last line may be cut off, as a kill leaves it. Never throws. */
export function parseTrace(text: string, fileName: string): TraceReading {
  const lines = text.split('\n');
  const [acquires, reports, mistakes]: [TracedAcquire[], TracedReport[], string[]] = [[], [], []];
  for (const [place, written] of lines.entries()) {
    if (written === '' || place === lines.length - 1) continue;
    const read = line.safeParse(parsedJson(written));
    if (!read.success) mistakes.push(`${fileName}:${place + 1}: not a line of a trace`);
    else if (read.data.kind === 'acquire') acquires.push(read.data);
    else reports.push(read.data);
  }
  if (mistakes.length > 0) return { ok: false, mistakes: mistakes.slice(0, MISTAKES_MAX) };
  const pool = mostAsked(acquires);
  if (pool === undefined) return { ok: false, mistakes: [`${fileName}: no key was asked for`] };
  return scenarioOf(
    acquires.filter((each) => each.pool === pool),
    reports,
    fileName,
  );
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function mostAsked(acquires: readonly TracedAcquire[]): string | undefined {
  const byPool = [...Map.groupBy(acquires, ({ pool }) => pool)];
  return byPool.sort(([, a], [, b]) => b.length - a.length)[0]?.[0];
}

function scenarioOf(acquires: readonly TracedAcquire[], reports: readonly TracedReport[], fileName: string): TraceReading {
  const first = acquires.reduce((earliest, { time }) => Math.min(earliest, time), Number.POSITIVE_INFINITY);
  const origin = Math.floor(first / MINUTE_MS) * MINUTE_MS;
  const provider = providerByName(acquires[0]!.provider);
  if (provider === undefined) return { ok: false, mistakes: [`${fileName}: the provider ${acquires[0]!.provider} is not known`] };
  const byLease = Map.groupBy(reports, ({ lease }) => lease);
  const learnt = limitsIn(acquires, byLease, provider);
  if (learnt === null) return { ok: false, mistakes: [`${fileName}: no report tells a limit`] };
  const calls = callsIn(acquires, byLease, provider, START - origin);
  const last = calls.at(-1)?.arrival ?? START;
  const scenario: Scenario = {
    ...{ name: fileName, durationMs: last - START + MINUTE_MS, seed: 1, provider: learnt, keys: keysIn(acquires) },
    network: { leastMs: 20, mostMs: 120 },
    patience: { waitMaxMs: 30_000, giveUpMs: MINUTE_MS },
    pool: { leaseTtlMs: 15 * MINUTE_MS, leasesMax: 1_000, waitersMax: 1_000, knowsLimits: false },
  };
  return { ok: true, scenario, calls };
}

type Reports = ReadonlyMap<number, readonly TracedReport[]>;

/** The limits that the last report of each model class told. */
function limitsIn(acquires: readonly TracedAcquire[], reports: Reports, provider: Provider): ProviderSettings | null {
  const classLimits: Record<ModelClass, Limits> = {};
  let told: Observation | undefined;
  for (const { lease, modelClass } of acquires) {
    for (const { headers, time } of reports.get(lease ?? 0) ?? []) {
      for (const observation of provider.readHeaders(new Map(Object.entries(headers)), time).observations) {
        if (observation.limit === null || observation.limit === 0) continue;
        told = observation;
        classLimits[modelClass] = { ...classLimits[modelClass], [observation.dimension]: observation.limit } as Limits;
      }
    }
  }
  if (told === undefined) return null;
  return {
    ...{ dialect: dialectNames.includes(provider.name) ? provider.name : 'generic', headers: true, announces: true, retryAfter: true },
    ...{ refill: told.refill, windowMs: told.windowMs ?? MINUTE_MS, limits: Object.values(classLimits)[0] ?? {}, classLimits },
    ...{ concurrency: null, rounding: provider.name === 'anthropic' ? 1_000 : 1, fill: 1, troubles: [] },
  };
}

function keysIn(acquires: readonly TracedAcquire[]): readonly ScenarioKey[] {
  const groups = new Map<string, string>();
  for (const { key, group } of acquires) if (key !== null) groups.set(key, group ?? key);
  const keys = [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
  return keys.map(([id, organization]) => ({ id, organization, revokedAtMs: null }));
}

/** What callers wanted. A request that the provider refused is not one of them: whoever repeated it asked again. */
function callsIn(acquires: readonly TracedAcquire[], reports: Reports, provider: Provider, shift: number): readonly Call[] {
  const wanted = acquires
    .toSorted((a, b) => a.time - b.time)
    .filter((acquire, place, all) => acquire.lease !== null || !asksAgain(acquire, all, place));
  const lengths = [...reports.values()].flatMap(([report]) => (report === undefined ? [] : [lengthOf(report)])).filter((ms) => ms > 0);
  const usualMs = lengths.sort((a, b) => a - b)[Math.floor(lengths.length / 2)] ?? 1_000;
  const calls = wanted.flatMap((acquire): Omit<Call, 'number'>[] => {
    const told = reports.get(acquire.lease ?? 0) ?? [];
    const answers = told.filter(({ inProgress }) => !inProgress);
    const share = (tokens: number | null) => (tokens === null ? null : Math.ceil(tokens / acquire.requests));
    return Array.from({ length: acquire.requests }, (_, place) => answers[place])
      .filter((answer) => answer === undefined || (answer.status >= 200 && answer.status < 300))
      .map((answer) => {
        const used = answer?.usage ? provider.counted(answer.usage) : null;
        const [estimatedInput, estimatedOutput] = [share(acquire.inputTokens), share(acquire.outputTokens)];
        return {
          ...{ arrival: acquire.time + shift, holder: acquire.holder, modelClass: acquire.modelClass, estimatedInput, estimatedOutput },
          ...{ inputTokens: used?.inputTokens ?? estimatedInput ?? 0, outputTokens: used?.outputTokens ?? estimatedOutput ?? 0 },
          lengthMs: Math.max(1, answer === undefined ? usualMs : lengthOf(answer) || usualMs),
          crashes: acquire.lease !== null && answer === undefined,
          ...{ reportsLateByMs: 0, streams: told.length > answers.length },
        };
      });
  });
  return calls.map((call, number) => ({ ...call, number }));
}

function asksAgain(
  { holder, modelClass, inputTokens, outputTokens, time }: TracedAcquire,
  all: readonly TracedAcquire[],
  place: number,
): boolean {
  for (let next = place + 1; next < all.length && all[next]!.time <= time + ASKS_AGAIN_MS; next += 1) {
    const other = all[next]!;
    const isAlike = other.inputTokens === inputTokens && other.outputTokens === outputTokens;
    if (isAlike && other.holder === holder && other.modelClass === modelClass) return true;
  }
  return false;
}

/** How long the call took, as far as its report tells; 0: it does not. */
function lengthOf({ requestTime, time }: TracedReport): Millis {
  return requestTime === null ? 0 : Math.max(0, time - requestTime);
}
