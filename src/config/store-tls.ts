import { isAbsolute, join } from 'node:path';
import { AUTH_FILE_BYTES_MAX, type AuthFileSources } from './auth-files.ts';
import { field } from './draft.ts';
import type { Finding, Path } from './mistake.ts';
import { authorityProblem, certificateProblem, KeyFiles, keyProblem } from './tls-pair.ts';

/** What a TLS client trusts and shows, as PEM; without a key it shows nothing. */
export class ClientTlsFiles extends KeyFiles<string | null> {
  /** null: the authorities that Node trusts. */
  readonly ca: string | null;
  /** null: it shows none. */
  readonly cert: string | null;

  constructor(ca: string | null, cert: string | null, key: string | null) {
    super(key);
    this.ca = ca;
    this.cert = cert;
  }
}

/** Reads and checks the files that store.tls names. */
export function readStoreTls(tree: unknown, sources: AuthFileSources): { files: ClientTlsFiles; findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const section = field(field(tree, 'store'), 'tls');
  const pathOf = (name: string): Path => ['store', 'tls', name];
  const read = (name: string): string | null => {
    const named = field(section, name);
    if (typeof named !== 'string' || named === '') return null;
    const reading = sources.readFile(isAbsolute(named) ? named : join(sources.folder, named), AUTH_FILE_BYTES_MAX);
    if (reading.ok) return reading.text;
    findings.push({ path: pathOf(name), message: reading.problem });
    return null;
  };
  const check = (name: string, problem: string | undefined): boolean => {
    if (problem !== undefined) findings.push({ path: pathOf(name), message: problem });
    return problem === undefined;
  };
  const [ca, cert, key] = [read('ca'), read('cert'), read('key')];
  if (ca !== null) check('ca', authorityProblem(ca));
  const isCertGood = cert !== null && check('cert', certificateProblem(cert));
  if (isCertGood && key !== null) check('key', keyProblem(cert, key));
  return { files: new ClientTlsFiles(ca, cert, key), findings };
}
