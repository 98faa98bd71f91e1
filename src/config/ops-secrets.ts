import { field } from './draft.ts';
import { type Finding, formatPath, type Path } from './mistake.ts';
import { readSource, type SecretSources, type SecretsReading, sourceOf } from './secret-source.ts';

export const OPS_TOKEN: Path = ['ops', 'token'];
export const OTLP_HEADERS: Path = ['telemetry', 'otlp', 'headers'];

/** As in `Bearer TOKEN`. */
const SPACED = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;

/** A shorter one could be guessed. */
const TOKEN_CHARACTERS_MIN = 16;

/** Reads the secrets that are not those of keys, by their path as `formatPath` writes it. */
export function readOpsSecrets(tree: unknown, sources: SecretSources): SecretsReading {
  const secrets = new Map<string, string>();
  const findings: Finding[] = [];
  const take = (written: unknown, path: Path, charactersMin: number, allowed?: RegExp) => {
    const source = sourceOf(written, path);
    if (source === null) return;
    const reading = readSource(source, allowed === undefined ? sources : { ...sources, allowed });
    if (!reading.ok) findings.push({ path: source.path, message: reading.problem });
    else if (reading.text.length < charactersMin) findings.push({ path, message: `expected at least ${charactersMin} characters` });
    else secrets.set(formatPath(path), reading.text);
  };
  take(field(field(tree, 'ops'), 'token'), OPS_TOKEN, TOKEN_CHARACTERS_MIN);
  const headers = field(field(field(tree, 'telemetry'), 'otlp'), 'headers');
  if (typeof headers === 'object' && headers !== null && !Array.isArray(headers))
    for (const [name, written] of Object.entries(headers)) take(written, [...OTLP_HEADERS, name], 1, SPACED);
  return { secrets, findings };
}
