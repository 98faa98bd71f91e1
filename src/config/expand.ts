import type { Finding, Path } from './mistake.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Expansion {
  /** A copy with every variable replaced; undefined stands where that was not possible. */
  readonly tree: unknown;
  readonly findings: readonly Finding[];
}

/** Deeper than any configuration. */
const DEPTH_MAX = 32;

/** Replaces `${NAME}` and `${NAME:-default}` in text values, once: what a variable contains is taken as it is. `$${` stands for `${`. */
export function expandVariables(tree: unknown, env: Environment): Expansion {
  const findings: Finding[] = [];
  const expand = (value: unknown, path: Path): unknown => {
    if (path.length > DEPTH_MAX) {
      findings.push({ path: path.slice(0, 1), message: `nested deeper than ${DEPTH_MAX} levels` });
      return undefined;
    }
    if (typeof value === 'string') {
      const { text, problems } = expandText(value, env);
      findings.push(...problems.map((message) => ({ path, message })));
      return problems.length > 0 ? undefined : text;
    }
    if (Array.isArray(value)) return value.map((item, place) => expand(item, [...path, place]));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, expand(item, [...path, key])]));
  };
  return { tree: expand(tree, []), findings };
}

/** What a variable of the environment may be called here. */
export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

const REFERENCE = /\$(\$?)\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?/g;

function expandText(source: string, env: Environment): { text: string; problems: string[] } {
  const problems: string[] = [];
  const text = source.replace(REFERENCE, (reference, escaped: string, name: string | undefined, fallback: string | undefined) => {
    if (escaped) return reference.slice(1);
    if (name === undefined) {
      problems.push(`expected \${NAME} or \${NAME:-default}; write $\${ for a literal \${`);
      return '';
    }
    const value = variable(env, name);
    if (fallback !== undefined) return value || fallback;
    if (value === undefined) problems.push(`the environment variable ${name} is not set`);
    return value ?? '';
  });
  return { text, problems };
}

/** The value of an environment variable; undefined: not set. */
export function variable(env: Environment, name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined;
}
