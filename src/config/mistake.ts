/** Where in the configuration, from its top: names of keys and places in lists. */
export type Path = readonly (string | number)[];

/** Something wrong at a path, before its line is known. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
}

/** One thing that is wrong in the configuration. Line and column count from 1; no part of it ever contains a secret. */
export interface Mistake {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** As in `pools[0].keys[1].secret`; empty: the file as a whole, or its syntax. */
  readonly path: string;
  readonly message: string;
}

/** One line for people: `config.yaml:12:5 pools[0].keys[1].secret: …`. */
export function formatMistake({ file, line, column, path, message }: Mistake): string {
  return `${file}:${line}:${column}${path && ` ${path}`}: ${message}`;
}

/** `pools[0].keys[1].secret`. A name that may be a misplaced secret is written as `?`. */
export function formatPath(path: Path): string {
  return path.map((segment, place) => formatSegment(segment, path[place - 1])).join('');
}

const SECRET_SOURCES: readonly string[] = ['env', 'file', 'credential', 'vault'];

function formatSegment(segment: string | number, parent: string | number | undefined): string {
  if (typeof segment === 'number') return `[${segment}]`;
  const shown = parent === 'secret' || parent === 'token' ? SECRET_SOURCES.includes(segment) : looksLikeName(segment);
  return `${parent === undefined ? '' : '.'}${shown ? segment : '?'}`;
}

/**
 * Whether a text from the file may be repeated in a message: only short words in small letters,
 * since what stands in a wrong place may be a secret.
 */
export function looksLikeName(text: string): boolean {
  return text.length <= 32 && /^[a-z]{1,15}([_-][a-z]{1,15})*$/.test(text);
}

/** By line and column, each mistake once. */
export function sortMistakes(mistakes: readonly Mistake[]): Mistake[] {
  const distinct = new Map(mistakes.map((mistake) => [formatMistake(mistake), mistake]));
  return [...distinct.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}
