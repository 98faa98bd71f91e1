import type { Dimension, Millis } from '../pool/upstream.ts';
import type { Allowance } from './allowance.ts';

export type Allowances = ReadonlyMap<Dimension, Allowance>;

/** How a provider writes one limit: the words of its three headers, and its reset. */
interface Dialect {
  names(dimension: Dimension): readonly [limit: string, remaining: string, reset: string];
  reset(inMs: number, now: Millis): string;
  readonly account: string;
}

const WORDS: Readonly<Record<Dimension, string>> = {
  requests: 'requests',
  input_tokens: 'input-tokens',
  output_tokens: 'output-tokens',
  tokens: 'tokens',
};

const anthropic: Dialect = {
  names: (dimension) => {
    const name = `anthropic-ratelimit-${WORDS[dimension]}`;
    return [`${name}-limit`, `${name}-remaining`, `${name}-reset`];
  },
  reset: (inMs, now) => rfc3339(Math.ceil((now + inMs) / 1_000)),
  account: 'anthropic-organization-id',
};

const openai: Dialect = {
  names: (dimension) => xRatelimit(dimension),
  reset: (inMs) => goDuration(inMs),
  account: 'openai-organization',
};

const generic: Dialect = { names: (dimension) => xRatelimit(dimension), reset: (inMs) => String(Math.ceil(inMs / 1_000)), account: '' };

const DIALECTS: ReadonlyMap<string, Dialect> = new Map([
  ['anthropic', anthropic],
  ['openai', openai],
  ['generic', generic],
]);

/** The dialects that a provider model can write, by the name of the provider that reads them. */
export const dialectNames: readonly string[] = [...DIALECTS.keys()];

/** What of an organization's state a response tells. */
export interface Told {
  readonly dialect: string;
  /** Tokens are told to the nearest multiple of this. */
  readonly rounding: number;
  /** null: responses name nobody. */
  readonly account: string | null;
}

/** The rate-limit headers of a response that was written at a time. */
export function writeHeaders(allowances: Allowances, { dialect: name, rounding, account }: Told, now: Millis): Map<string, string> {
  const dialect = DIALECTS.get(name);
  if (dialect === undefined) throw new Error(`nobody writes the headers of ${name}`);
  const headers = new Map<string, string>();
  if (account !== null && dialect.account !== '') headers.set(dialect.account, account);
  for (const [dimension, allowance] of allowances) {
    const [limit, remaining, reset] = dialect.names(dimension);
    const level = Math.max(0, allowance.level(now));
    headers.set(limit, String(allowance.limit));
    headers.set(remaining, String(dimension === 'requests' ? Math.floor(level) : Math.round(level / rounding) * rounding));
    headers.set(reset, dialect.reset(allowance.resetIn(now), now));
  }
  return headers;
}

function xRatelimit(dimension: Dimension): readonly [string, string, string] {
  const word = WORDS[dimension];
  return [`x-ratelimit-limit-${word}`, `x-ratelimit-remaining-${word}`, `x-ratelimit-reset-${word}`];
}

function goDuration(ms: number): string {
  if (ms < 1_000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms) / 1_000;
  const minutes = Math.floor(seconds / 60);
  const rest = `${Number((seconds - minutes * 60).toFixed(3))}s`;
  return minutes === 0 ? rest : `${minutes}m${rest}`;
}

const TEXTS_MAX = 1_000;
const texts = new Map<number, string>();

/** A whole second since the epoch as RFC 3339; many responses name the same ones. */
function rfc3339(second: number): string {
  let text = texts.get(second);
  if (text !== undefined) return text;
  if (texts.size >= TEXTS_MAX) texts.clear();
  text = `${new Date(second * 1_000).toISOString().slice(0, 19)}Z`;
  texts.set(second, text);
  return text;
}
