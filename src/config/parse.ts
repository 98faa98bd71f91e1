import { dirname } from 'node:path';
import { assembleConfig } from './assemble.ts';
import { readAuthFiles } from './auth-files.ts';
import { crossCheck, type KnownNames } from './checks.ts';
import type { Config } from './config.ts';
import { draftPools } from './draft.ts';
import { type Environment, expandVariables } from './expand.ts';
import { explainIssues, plainMessages, type ShapeFinding } from './explain.ts';
import { type Finding, formatPath, type Mistake, type Path, sortMistakes } from './mistake.ts';
import { readOpsSecrets } from './ops-secrets.ts';
import { configSchema } from './schema.ts';
import { type FileReading, readSecrets, type VaultReading } from './secret-source.ts';
import { readStoreTls } from './store-tls.ts';
import { vaultFindings } from './vault-wanted.ts';
import { type Position, readYaml } from './yaml.ts';

export type ConfigReading = { readonly ok: true; readonly config: Config } | { readonly ok: false; readonly mistakes: readonly Mistake[] };

/** Everything outside the text that decides what it means. */
export interface Lookups extends KnownNames {
  readonly env: Environment;
  /** Reads the file of a secret. */
  readFile(path: string, bytesMax?: number): FileReading;
  /** What was read from Vault, by path; left out: it was not asked. */
  readonly vault?: ReadonlyMap<string, VaultReading>;
}

/** What the text says, or every mistake in it, by line. Never throws. */
export function parseConfig(text: string, fileName: string, lookups: Lookups): ConfigReading {
  const yaml = readYaml(text);
  const mistakeAt = ({ line, column }: Position, path: Path, message: string): Mistake => ({
    file: fileName,
    line,
    column,
    path: formatPath(path),
    message,
  });
  const syntax = yaml.faults.map((fault) => mistakeAt(fault, [], fault.message));
  if (yaml.tree === undefined) return { ok: false, mistakes: sortMistakes(syntax) };

  const { findings, mistakes: inside, config } = interpret(yaml.tree, dirname(fileName), lookups);
  const mistakes = [
    ...syntax,
    ...inside,
    ...findings.map(({ path, part, message }) => mistakeAt(yaml.position(path, part), path, message)),
  ];
  return config && mistakes.length === 0 ? { ok: true, config } : { ok: false, mistakes: sortMistakes(mistakes) };
}

type Interpretation = { mistakes: readonly Mistake[]; findings: readonly (Finding & Partial<ShapeFinding>)[]; config: Config | null };

function interpret(written: unknown, folder: string, lookups: Lookups): Interpretation {
  const { tree, findings: unexpanded } = expandVariables(written, lookups.env);
  const shape = configSchema.safeParse(tree, { error: plainMessages });
  const pools = draftPools(tree);
  const sources = { ...lookups, folder };
  const { secrets, findings: unread } = readSecrets(tree, pools, sources);
  const auth = readAuthFiles(tree, sources);
  const ops = readOpsSecrets(tree, sources);
  const storeTls = readStoreTls(tree, sources);
  const elsewhere = [...unread, ...ops.findings, ...vaultFindings(tree, sources), ...auth.findings, ...storeTls.findings];
  const others = [...explainIssues(shape.error?.issues ?? []), ...elsewhere, ...crossCheck(tree, pools, secrets, lookups)];
  // A value whose variable is missing has that one mistake, not a second one for being no value.
  const findings = [...unexpanded, ...others.filter(({ path }) => !unexpanded.some((fault) => isWithin(path, fault.path)))];
  const config =
    shape.success && findings.length === 0
      ? assembleConfig(shape.data, new Map([...secrets, ...ops.secrets]), { ...auth.files, storeTls: storeTls.files })
      : null;
  return { findings, mistakes: auth.mistakes, config };
}

function isWithin(path: Path, outer: Path): boolean {
  return outer.every((segment, place) => path[place] === segment);
}
