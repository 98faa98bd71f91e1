import { isAbsolute, join } from 'node:path';
import { draftPools, field } from './draft.ts';
import { expandVariables } from './expand.ts';
import type { Finding } from './mistake.ts';
import { type VaultSettings, vault } from './schema-secret.ts';
import { type FileReading, readSource, type SecretSources, sourceOf } from './secret-source.ts';
import { readYaml } from './yaml.ts';

/** More than any bundle of authorities. */
const CA_BYTES_MAX = 1_024 * 1_024;

/** Where Vault is, and what is wanted of it. */
export interface VaultWanted extends Omit<VaultSettings, 'token' | 'ca'> {
  /** Only for the header of a request. */
  readonly token: string;
  /** PEM; null: those that Node trusts. */
  readonly ca: string | null;
  readonly paths: readonly string[];
}

/** What a configuration wants of Vault; null: nothing, or its settings have mistakes. */
export function vaultWanted(text: string, sources: SecretSources): VaultWanted | null {
  const { tree } = expandVariables(readYaml(text).tree, sources.env);
  const keys = draftPools(tree).flatMap((pool) => pool.keys);
  const store = field(tree, 'store');
  const passwords = [store, field(store, 'sentinels')].map((part) => field(part, 'password'));
  const secrets = [...keys.map((key) => key.secret), ...passwords, field(field(tree, 'ops'), 'token')];
  const paths = secrets.map((secret) => sourceOf(secret, [])).filter((source) => source?.kind === 'vault');
  const settings = vault.safeParse(field(tree, 'vault'));
  const { token, ca } = readSettings(tree, sources);
  if (paths.length === 0 || settings.data === undefined || !token?.ok || ca?.ok === false) return null;
  const { address, namespace, timeout } = settings.data;
  return { address, namespace, timeout, token: token.text, ca: ca?.text ?? null, paths: [...new Set(paths.map((source) => source!.text))] };
}

/** What is wrong with the token and the authority that the settings name. */
export function vaultFindings(tree: unknown, sources: SecretSources): Finding[] {
  const { token, ca } = readSettings(tree, sources);
  const source = sourceOf(field(field(tree, 'vault'), 'token'), ['vault', 'token']);
  return [
    ...(token?.ok === false && source !== null ? [{ path: source.path, message: token.problem }] : []),
    ...(ca?.ok === false ? [{ path: ['vault', 'ca'], message: ca.problem }] : []),
  ];
}

function readSettings(tree: unknown, sources: SecretSources): { token: FileReading | null; ca: FileReading | null } {
  const written = field(tree, 'vault');
  const source = sourceOf(field(written, 'token'), []);
  const ca = field(written, 'ca');
  const isNamed = source !== null && source.kind !== 'text' && source.kind !== 'vault';
  return {
    token: isNamed ? readSource(source, sources) : null,
    ca: typeof ca === 'string' && ca !== '' ? sources.readFile(isAbsolute(ca) ? ca : join(sources.folder, ca), CA_BYTES_MAX) : null,
  };
}
