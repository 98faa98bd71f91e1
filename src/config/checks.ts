import { formatAddress, parseListenAddress } from './address.ts';
import { authFindings, type WrittenAddress } from './check-auth.ts';
import { type DraftItem, type DraftPool, field } from './draft.ts';
import { ID } from './fields.ts';
import { type Finding, formatPath, type Path } from './mistake.ts';
import { unknownName } from './nearest.ts';

export interface KnownNames {
  readonly strategies: readonly string[];
  readonly providers: readonly string[];
}

/** What only shows when parts of the file are seen together, or beside the names that this version knows. */
export function crossCheck(tree: unknown, pools: readonly DraftPool[], secrets: ReadonlyMap<string, string>, known: KnownNames): Finding[] {
  return [
    ...repeatedIds('pool', pools),
    ...pools.flatMap((pool) => [...repeatedIds('key', pool.keys), ...repeatedIds('model class', pool.modelClasses)]),
    ...pools.flatMap((pool) => unknownNames(pool, known)),
    ...sharedSecrets(pools, secrets),
    ...addressFindings(tree),
  ];
}

function repeatedIds(what: string, items: readonly DraftItem[]): Finding[] {
  const first = new Map<string, Path>();
  return items.flatMap(({ id, path }) => {
    if (!isId(id)) return [];
    const earlier = first.get(id);
    if (!earlier) first.set(id, path);
    return earlier ? [{ path: [...path, 'id'], message: `the ${what} '${id}' is there already: ${formatPath(earlier)}` }] : [];
  });
}

function isId(id: unknown): id is string {
  return typeof id === 'string' && ID.test(id);
}

function unknownNames({ path, provider, strategy }: DraftPool, known: KnownNames): Finding[] {
  const findings: Finding[] = [];
  if (typeof provider === 'string' && !known.providers.includes(provider)) {
    findings.push({ path: [...path, 'provider'], message: unknownName('provider', provider, known.providers) });
  }
  if (typeof strategy === 'string' && strategy !== '' && !known.strategies.includes(strategy)) {
    findings.push({ path: [...path, 'strategy'], message: unknownName('strategy', strategy, known.strategies) });
  }
  return findings;
}

/** One secret under two names would count one allowance twice. */
function sharedSecrets(pools: readonly DraftPool[], secrets: ReadonlyMap<string, string>): Finding[] {
  const first = new Map<string, string>();
  return pools.flatMap((pool) =>
    pool.keys.flatMap((key) => {
      const secret = secrets.get(formatPath(key.path));
      if (secret === undefined) return [];
      const name = isId(pool.id) && isId(key.id) ? `${pool.id}/${key.id}` : formatPath(key.path);
      const place = JSON.stringify([pool.provider, secret]);
      const earlier = first.get(place);
      if (earlier === undefined) first.set(place, name);
      return earlier === undefined
        ? []
        : [{ path: [...key.path, 'secret'], message: `the keys ${earlier} and ${name} have the same secret` }];
    }),
  );
}

function addressFindings(tree: unknown): Finding[] {
  const seen = new Set<string>();
  const addresses = writtenAddresses(tree);
  const repeated = addresses.flatMap(({ path, address }) => {
    const text = formatAddress(address);
    const findings: Finding[] = [];
    if (seen.has(text)) findings.push({ path, message: 'this address is there already' });
    if (address.kind === 'unix' || address.port !== 0) seen.add(text);
    return findings;
  });
  return [...repeated, ...authFindings(tree, addresses)];
}

function writtenAddresses(tree: unknown): WrittenAddress[] {
  const listen = field(tree, 'listen');
  const written: { path: Path; text: unknown }[] = Array.isArray(listen)
    ? listen.map((text, place) => ({ path: ['listen', place], text }))
    : [{ path: ['listen'], text: listen }];
  written.push({ path: ['admin_listen'], text: field(tree, 'admin_listen') });
  written.push({ path: ['ops', 'listen'], text: field(field(tree, 'ops'), 'listen') });
  return written.flatMap(({ path, text }) => {
    const parsed = typeof text === 'string' ? parseListenAddress(text) : null;
    return parsed?.ok ? [{ path, address: parsed.address }] : [];
  });
}
