import * as z from 'zod';
import { isLocal, parseListenAddress } from './address.ts';
import { DURATION_PATTERN, parseDuration } from './duration.ts';
import { unknownKey, unknownName } from './nearest.ts';

/** The kinds of value that the schema is made of. Their messages say what was expected and never repeat what was found. */

export const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** The message for a value that is there; one that is missing has a message of its own. */
export function expected(message: string) {
  return (issue: { readonly input?: unknown }) => (issue.input === undefined ? undefined : `expected ${message}`);
}

/** A mapping with these keys only. The message about unknown keys has one line for each; `silent`: which does not repeat the key. */
export function mapping<S extends z.ZodRawShape>(shape: S, { silent = false } = {}) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? issue.keys.map((key) => unknownKey(silent ? '' : key, known)).join('\n') : undefined,
  });
}

export function id() {
  return z.string().regex(ID, { error: 'expected 1 to 63 letters, digits, dots, underscores or hyphens, the first a letter or digit' });
}

/** Digits in text count as well: that is how a number from a variable arrives. */
export function wholeNumber(min: number, max: number) {
  const error = expected(`a whole number from ${min} to ${max}`);
  return z.preprocess(
    (value) => (typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value),
    z.int({ error }).min(min, { error }).max(max, { error }),
  );
}

export function flag() {
  return z.preprocess((value) => (value === 'true' ? true : value === 'false' ? false : value), z.boolean());
}

/** A duration within bounds, written as durations; in milliseconds afterwards. */
export function duration(min: string, max: string) {
  const [minMs, maxMs] = [milliseconds(min), milliseconds(max)];
  return z
    .string({ error: (issue) => (typeof issue.input === 'number' ? problemOf(String(issue.input)) : undefined) })
    .transform((text, context) => {
      const parsed = parseDuration(text);
      if (parsed.ok && parsed.ms >= minMs && parsed.ms <= maxMs) return parsed.ms;
      return refuse(context, parsed.ok ? `expected a duration from ${min} to ${max}` : parsed.problem);
    })
    .meta({ pattern: DURATION_PATTERN });
}

function milliseconds(text: string): number {
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.ms;
}

function problemOf(text: string): string | undefined {
  const parsed = parseDuration(text);
  return parsed.ok ? undefined : parsed.problem;
}

export function listenAddress() {
  return z.string().transform((text, context) => {
    const parsed = parseListenAddress(text);
    return parsed.ok ? parsed.address : refuse(context, parsed.problem);
  });
}

/** Where secrets are sent: https, or a loopback address. */
export function baseUrl() {
  return z.string().transform((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isPlain = url !== undefined && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
    if (!isPlain || !/^https?:$/.test(url.protocol)) return refuse(context, 'expected a URL without user, query or fragment');
    const isSafe = url.protocol === 'https:' || isLocal({ kind: 'tcp', host: url.hostname.replace(/^\[|\]$/g, ''), port: 0 });
    return isSafe ? text.replace(/\/+$/, '') : refuse(context, 'expected https: the key would cross the network in the clear');
  });
}

export function tcpAddress() {
  return listenAddress().transform((address, context) =>
    address.kind === 'tcp'
      ? { host: address.host, port: address.port }
      : refuse(context, 'expected host:port: this page is served over TCP only'),
  );
}

export function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

/** One of these names; what a near miss may have meant is said. */
export function oneOf<const T extends readonly [string, ...string[]]>(what: string, names: T) {
  return z.enum(names, { error: (issue) => (typeof issue.input === 'string' ? unknownName(what, issue.input, names) : undefined) });
}
