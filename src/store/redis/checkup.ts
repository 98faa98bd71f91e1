import type { Connection, Reply } from './connection.ts';
import type { Durability } from './link.ts';

/** What a server says of itself that decides whether it can keep the store's promise. */
export interface ServerFacts {
  readonly version: string;
  readonly replicas: number;
  /** Null: the server does not tell it to this user. */
  readonly settings: ReadonlyMap<string, string> | null;
}

/** What makes a server unfit, and what makes it less safe than it could be; each says what to change. */
export interface Checkup {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

const OLDEST = [7, 0];
const OLDEST_FSYNC = [7, 2];
const SETTINGS = ['maxmemory', 'maxmemory-policy', 'appendonly', 'appendfsync', 'min-replicas-to-write'];

export async function askServer(connection: Connection): Promise<ServerFacts> {
  const info = String(await connection.send('INFO'));
  const told = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];
  const settings: Reply = await connection.send('CONFIG', 'GET', ...SETTINGS).catch(() => null);
  return {
    version: told('redis_version') ?? '0',
    replicas: Number(told('connected_slaves') ?? 0),
    settings: settings === null ? null : new Map(Object.entries(settings as Record<string, string>)),
  };
}

export function checkServer({ version, replicas, settings }: ServerFacts, durability: Durability): Checkup {
  const problems: string[] = [];
  const warnings: string[] = [];
  const get = (name: string) => settings?.get(name);
  if (isOlder(version, OLDEST)) problems.push(`the server is version ${version}: use Redis 7.0, or Valkey, or later`);
  if (durability === 'fsync' && isOlder(version, OLDEST_FSYNC)) {
    problems.push(`durability fsync needs Redis 7.2 or Valkey, and the server is version ${version}: update it, or use replicated`);
  } else if (durability === 'fsync' && get('appendonly') === 'no') {
    problems.push('durability fsync needs the append-only file: set appendonly yes');
  } else if (durability === 'fsync' && get('appendfsync') === 'no') {
    problems.push('durability fsync needs a server that sees to its disk: set appendfsync always, or everysec, which is slower');
  }
  if (settings === null)
    warnings.push('the server does not tell its settings: see to maxmemory-policy noeviction and appendonly yes yourself');
  if (get('maxmemory') !== undefined && get('maxmemory') !== '0' && get('maxmemory-policy') !== 'noeviction') {
    warnings.push(`the server may evict leases (maxmemory-policy ${get('maxmemory-policy')}): set maxmemory-policy noeviction`);
  }
  if (get('appendonly') === 'no') warnings.push('a server that restarts has forgotten every lease: set appendonly yes');
  if (replicas > 0 && get('min-replicas-to-write') === '0') {
    warnings.push('a primary that was cut off goes on taking writes that will be lost: set min-replicas-to-write 1');
  }
  return { problems, warnings };
}

function isOlder(version: string, than: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  const at = than.findIndex((part, place) => part !== (parts[place] ?? 0));
  return at >= 0 && (parts[at] ?? 0) < (than[at] as number);
}
