import { formatAddress, isLocal } from './address.ts';
import { assembleAccess, assembleAuth, assembleTls } from './assemble-auth.ts';
import type { AuthFiles } from './auth-files.ts';
import type { Config, KeySettings, ListenAddress, OpsSettings, OtlpSettings, PoolSettings, StoreSettings } from './config.ts';
import { formatPath } from './mistake.ts';
import { OPS_TOKEN, OTLP_HEADERS } from './ops-secrets.ts';
import type { FileContent } from './schema.ts';
import { Secret } from './secret.ts';
import type { ClientTlsFiles } from './store-tls.ts';

interface StoreFiles {
  readonly storeTls: ClientTlsFiles;
}

type FilePool = FileContent['pools'][number];
type FileKey = FilePool['keys'][number];

/** The result in the program's words, from a file without mistakes and its secrets by the path of their key, or of the part of the store. */
export function assembleConfig(content: FileContent, secrets: ReadonlyMap<string, string>, files: AuthFiles & StoreFiles): Config {
  const ops = assembleOps(content, secrets);
  return {
    listen: content.listen,
    adminListen: content.admin_listen ?? null,
    socketMode: content.socket_mode,
    tls: assembleTls(content, files),
    auth: assembleAuth(content, files),
    access: assembleAccess(content),
    ops,
    store: assembleStore(content.store, secrets, files.storeTls),
    audit: content.audit || null,
    limits: content.limits,
    drainTimeoutMs: content.drain_timeout,
    logLevel: content.log.level,
    logCalls: content.log.calls,
    otlp: assembleOtlp(content, secrets),
    pools: content.pools.map((pool, place) => assemblePool(pool, place, secrets)),
    files: new Map(),
    warnings: [...warningsOf(content), ...(ops?.token === null ? pageWarnings({ kind: 'tcp', host: ops.host, port: ops.port }) : [])],
  };
}

function assembleStore(store: StoreSettings, secrets: ReadonlyMap<string, string>, files: ClientTlsFiles): StoreSettings {
  if (store.kind !== 'redis') return store;
  const passwordAt = (path: string) => {
    const password = secrets.get(path);
    return password === undefined ? null : new Secret(path, 'password', password);
  };
  const { sentinels } = store;
  const tls = store.tls && { ...store.tls, files };
  return {
    ...{ ...store, tls, password: passwordAt('store') },
    sentinels: sentinels && { ...sentinels, tls: sentinels.tls && (tls ?? sentinels.tls), password: passwordAt('store.sentinels') },
  };
}

function assembleOps({ ops }: FileContent, secrets: ReadonlyMap<string, string>): OpsSettings | null {
  if (!ops) return null;
  return { ...ops.listen, token: ops.token === undefined ? null : new Secret('ops', 'token', secrets.get(formatPath(OPS_TOKEN))!) };
}

function assembleOtlp({ telemetry: { otlp } }: FileContent, secrets: ReadonlyMap<string, string>): OtlpSettings | null {
  if (otlp === undefined) return null;
  const { endpoint, headers = {}, interval, metrics, traces } = otlp;
  const secretOf = (name: string) => new Secret('otlp', name, secrets.get(formatPath([...OTLP_HEADERS, name]))!);
  return {
    endpoint: endpoint.replace(/\/+$/, ''),
    headers: Object.fromEntries(Object.keys(headers).map((name) => [name, secretOf(name)])),
    intervalMs: interval,
    metrics,
    traces,
  };
}

function warningsOf({ listen, admin_listen, tls, auth }: FileContent): string[] {
  const lacks = [...(auth === undefined ? ['authentication'] : []), ...(tls === undefined ? ['TLS'] : [])].join(' and ');
  const exposed = [...listen, ...(admin_listen ? [admin_listen] : [])].filter((address) => !isLocal(address));
  return lacks === '' ? [] : exposed.map((address) => `insecure: whoever reaches ${formatAddress(address)} is served without ${lacks}`);
}

function pageWarnings(address: ListenAddress): string[] {
  return isLocal(address) ? [] : [`insecure: whoever reaches ${formatAddress(address)} is served without authentication`];
}

function assemblePool(pool: FilePool, place: number, secrets: ReadonlyMap<string, string>): PoolSettings {
  return {
    id: pool.id,
    provider: pool.provider,
    baseUrl: pool.base_url ?? null,
    strategy: pool.strategy,
    leaseTtlMs: pool.lease.ttl,
    leaseTtlMaxMs: pool.lease.max_ttl,
    waitMaxMs: pool.waiting.max_wait,
    waitersMax: pool.waiting.max_waiters,
    waitersPerHolderMax: pool.waiting.max_waiters_per_holder ?? pool.waiting.max_waiters,
    unhealthyAfter: pool.unhealthy_after,
    modelClasses: pool.model_classes ?? null,
    keys: pool.keys.map((key, order) => {
      const secret = secrets.get(formatPath(['pools', place, 'keys', order]))!;
      return assembleKey(key, order, new Secret(pool.id, key.id, secret));
    }),
  };
}

const DIMENSIONS = ['requests', 'input_tokens', 'output_tokens', 'tokens'] as const;

function assembleKey(key: FileKey, order: number, secret: Secret): KeySettings {
  return {
    id: key.id,
    order,
    secret,
    limitGroup: key.limit_group ?? null,
    weight: key.weight,
    priority: key.priority,
    leasesMax: key.max_leases,
    limits: DIMENSIONS.flatMap((dimension) => (key.limits[dimension] ?? []).map((limit) => ({ dimension, ...limit }))),
  };
}
