import type { Observation, Provider } from '../pool/upstream.ts';
import { type Answer, boundedBody } from './answer.ts';
import { providerClock } from './headers.ts';

/** What the body of an error says of limits, beside what its headers say. Nothing where no error arrived. Never throws. */
export function observationsInBody(provider: Provider, { status, body, headers, responseTime }: Answer): readonly Observation[] {
  if (provider.readBody === undefined || status < 300) return [];
  return provider.readBody(boundedBody(body), providerClock(headers, responseTime)).observations;
}

/** The value of a JSON text; undefined: it is none, or was cut. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The value under these names of nested objects; undefined: there is none. */
export function valueAt(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, name) => (isObject(inner) && Object.hasOwn(inner, name) ? inner[name] : undefined), value);
}

/** The same where it is a list, else an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The same where it is text or a number, as text; undefined: neither. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
