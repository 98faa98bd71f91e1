import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit, type YAMLError } from 'yaml';
import type { Path } from './mistake.ts';

export interface Position {
  readonly line: number;
  readonly column: number;
}

interface SyntaxFault extends Position {
  readonly message: string;
}

export interface YamlReading {
  /** Plain data, in which aliases may share parts. Undefined where the syntax was too broken. */
  readonly tree: unknown;
  readonly faults: readonly SyntaxFault[];
  /** Where the value at a path stands; of a path that is not there, its nearest parent. */
  position(path: Path, part?: 'key' | 'value'): Position;
}

/** How many nodes aliases may multiply to. */
const ALIASES_MAX = 100;

/** Reads one YAML 1.2 document without merge keys and custom tags. Never throws; messages never quote the text, which may hold a secret. */
export function readYaml(text: string): YamlReading {
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const document = parseDocument(text, { ...OPTIONS, lineCounter: lines });
  const faults = [...withoutEchoes(document.errors), ...document.warnings].map((error) => ({
    ...at(error.pos[0]),
    message: explain(error, text),
  }));
  const aliases = badAliases(document).map((offset) => ({
    ...at(offset),
    message: 'the alias names no anchor that stands complete above it',
  }));
  const position = (path: Path, part: 'key' | 'value' = 'value') => at(offsetOf(document, path, part));
  const readable = aliases.length === 0 && document.errors.every((error) => error.code === 'DUPLICATE_KEY');
  if (!readable) return { tree: undefined, faults: [...faults, ...aliases], position };
  try {
    return { tree: document.toJS({ maxAliasCount: ALIASES_MAX }), faults, position };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return { tree: undefined, faults: [...faults, { ...at(0), message: 'aliases multiply to too much' }], position };
  }
}

/** `schema` and `merge` are named so that a %YAML directive cannot change them. */
const OPTIONS = {
  version: '1.2',
  schema: 'core',
  merge: false,
  uniqueKeys: true,
  stringKeys: true,
  resolveKnownTags: false,
  prettyErrors: false,
} as const;

/** Errors after which the parser still knows where it is. */
const LOCAL = new Set<YAMLError['code']>(['DUPLICATE_KEY', 'BAD_SCALAR_START', 'BAD_DQ_ESCAPE', 'NON_STRING_KEY']);

/** Without what follows an error that has put the parser off its track. */
function withoutEchoes(errors: readonly YAMLError[]): YAMLError[] {
  const ordered = errors.toSorted((a, b) => a.pos[0] - b.pos[0]);
  const lost = ordered.findIndex((error) => !LOCAL.has(error.code));
  return lost < 0 ? ordered : ordered.slice(0, lost + 1);
}

const EXPLAINED: Partial<Record<YAMLError['code'], string>> = {
  BAD_DQ_ESCAPE: 'unknown escape after \\ in double quotes',
  BAD_INDENT: 'wrong indentation, or a bracket or quote that is not closed',
  BAD_SCALAR_START: 'text must be quoted where it starts with a special character',
  BLOCK_AS_IMPLICIT_KEY: 'a nested mapping must start on its own line',
  DUPLICATE_KEY: 'this key stands here twice',
  MISSING_CHAR: 'a comma, colon, bracket or quote is missing',
  MULTILINE_IMPLICIT_KEY: 'a key must end with a colon on its own line',
  MULTIPLE_DOCS: 'expected one document, found a second one',
  NON_STRING_KEY: 'expected text as key',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'tabs cannot indent: use spaces',
  TAG_RESOLVE_FAILED: 'tags are not supported',
  UNEXPECTED_TOKEN: 'unexpected text here: a value with special characters must be quoted',
};

function explain(error: YAMLError, text: string): string {
  const message = EXPLAINED[error.code] ?? `not valid YAML (${error.code.toLowerCase().replaceAll('_', ' ')})`;
  const line = text.slice(text.lastIndexOf('\n', error.pos[0] - 1) + 1).split('\n', 1)[0]!;
  return /[[{].*\$\{/.test(line) ? `${message}; between brackets, a variable must be quoted: "\${NAME}"` : message;
}

/** Those that name no anchor, or one that contains them: so the tree has no circles. */
function badAliases(document: Document.Parsed): number[] {
  const offsets: number[] = [];
  visit(document, {
    Alias: (_, alias, parents) => {
      const target = alias.resolve(document);
      if (!target || parents.some((parent) => parent === target)) offsets.push(alias.range?.[0] ?? 0);
    },
  });
  return offsets;
}

function offsetOf(document: Document.Parsed, path: Path, part: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const [place, segment] of path.entries()) {
    const child = childOf(isAlias(node) ? node.resolve(document) : node, segment);
    if (!child) break;
    const keyWanted = (part === 'key' && place === path.length - 1) || isBlank(child.value);
    offset = (keyWanted ? child.key : child.value)?.range?.[0] ?? child.value?.range?.[0] ?? offset;
    node = child.value;
  }
  return offset;
}

function childOf(node: unknown, segment: string | number): { key: Node | null; value: Node | null } | null {
  if (isSeq<Node>(node)) return typeof segment === 'number' && node.items[segment] ? { key: null, value: node.items[segment] } : null;
  if (!isMap<Node, Node | null>(node)) return null;
  const pair = node.items.find(({ key }) => isScalar(key) && key.value === segment);
  return pair ? { key: pair.key, value: pair.value } : null;
}

function isBlank(node: Node | null): boolean {
  return !node || (isScalar(node) && node.range?.[0] === node.range?.[1]);
}
