import type { RedisSettings, StoreSettings } from '../config/config.ts';
import { revealSecret } from '../config/secret.ts';
import { privateKeyOf } from '../config/tls-pair.ts';
import { openFileStore } from '../store/file.ts';
import { memoryStore } from '../store/memory.ts';
import type { Login } from '../store/redis/connection.ts';
import { openRedisStore, type RedisStoreOptions } from '../store/redis/redis.ts';
import type { Store } from '../store/store.ts';

export interface OpenedStore {
  readonly store: Store;
  /** Takes new passwords and certificates into use for connections that are made from now on; where anything else has changed, nothing. */
  renew(next: StoreSettings): void;
}

/** Opens the store that the settings name, or takes one that is given. */
export async function openStore(settings: StoreSettings, given: Store | undefined, warn: (warning: string) => void): Promise<OpenedStore> {
  const renew = () => {};
  if (given !== undefined) return { store: given, renew };
  switch (settings.kind) {
    case 'memory':
      return { store: memoryStore(), renew };
    case 'file':
      return { store: await openFileStore({ folder: settings.path }), renew };
    case 'redis':
      return openShared(settings, warn);
    default:
      return settings satisfies never;
  }
}

async function openShared(settings: RedisSettings, warn: (warning: string) => void): Promise<OpenedStore> {
  const options = redisOptions(settings);
  return {
    store: await openRedisStore({ ...options, warn }),
    renew: (next) => {
      if (isSameButForSecrets(settings, next)) Object.assign(options.access, redisOptions(next).access);
    },
  };
}

/** Secrets and certificates are printed alike, whatever they are. */
function isSameButForSecrets(settings: RedisSettings, next: StoreSettings): next is RedisSettings {
  return JSON.stringify(settings) === JSON.stringify(next);
}

/** The settings of a store that replicas share, with all that its servers ask for. */
export function redisOptions(settings: RedisSettings): RedisStoreOptions {
  const { place, prefix, durability, database, timeoutMs, sentinels } = settings;
  const access = { ...loginOf(settings), sentinels: sentinels === null ? undefined : loginOf(sentinels), database, timeoutMs };
  return { place, prefix, durability, access };
}

function loginOf({ tls, username, password }: Pick<RedisSettings, 'tls' | 'username' | 'password'>): Login {
  return {
    tls: tls !== null && {
      ...{ ca: tls.files.ca ?? undefined, cert: tls.files.cert ?? undefined, key: privateKeyOf(tls.files) ?? undefined },
      serverName: tls.serverName ?? undefined,
    },
    username: username ?? undefined,
    password: password === null ? undefined : revealSecret(password),
  };
}
