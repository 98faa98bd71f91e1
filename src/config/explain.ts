import type * as z from 'zod';
import type { Finding, Path } from './mistake.ts';

export interface ShapeFinding extends Finding {
  /** Which part of the path's last step is wrong: an unknown key, or its value. */
  readonly part: 'key' | 'value';
}

const KINDS: Record<string, string> = {
  string: 'text',
  object: 'a mapping',
  array: 'a list',
  boolean: 'true or false',
  number: 'a number',
};

/** The messages that a field of the schema has not written itself. */
export const plainMessages: z.core.$ZodErrorMap = (issue) => {
  if (issue.input === undefined) return 'this key is required and missing';
  if (issue.code === 'too_small') return issue.origin === 'string' ? 'expected text that is not empty' : 'expected at least one';
  if (issue.code === 'invalid_type') {
    const hint = issue.expected === 'string' && typeof issue.input === 'number' ? ' (put it in quotes)' : '';
    return `expected ${KINDS[issue.expected] ?? issue.expected}, found ${kindOf(issue.input)}${hint}`;
  }
  return `not valid here, found ${kindOf(issue.input)}`;
};

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  return KINDS[Array.isArray(value) ? 'array' : typeof value] ?? 'something else';
}

/** One finding for each thing that is wrong with the shape. */
export function explainIssues(issues: readonly z.core.$ZodIssue[], parent: Path = []): ShapeFinding[] {
  return issues.flatMap((issue): ShapeFinding[] => {
    const path = [...parent, ...(issue.path as Path)];
    if (issue.code === 'unrecognized_keys') {
      const messages = issue.message.split('\n');
      return issue.keys.map((key, place) => ({ path: [...path, key], message: messages[place]!, part: 'key' }));
    }
    const meant = issue.code === 'invalid_union' ? meantBranch(issue.errors) : null;
    return meant ? explainIssues(meant, path) : [{ path, message: issue.message, part: 'value' }];
  });
}

/** Of several forms that a value may have, the only one whose kind it has. */
function meantBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | null {
  const right = branches.filter((issues) => !issues.some(({ code, path }) => path.length === 0 && WRONG_KIND.has(code)));
  return right.length === 1 ? right[0]! : null;
}

const WRONG_KIND = new Set<string>(['invalid_type', 'invalid_value']);
