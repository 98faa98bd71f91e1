import type { KeyConfig, PoolConfig } from '../pool/model.ts';
import type { ModelClassRule } from '../pool/upstream.ts';
import type { AuthSettings, GrantSettings, TlsSettings } from './assemble-auth.ts';
import type { Limits } from './schema-limits.ts';
import type { Secret } from './secret.ts';
import type { ClientTlsFiles } from './store-tls.ts';

/** What one configuration file says, checked and complete. Times are in milliseconds. */
export interface Config {
  readonly listen: readonly ListenAddress[];
  /** Where operators call, and nowhere else; null: on every address. */
  readonly adminListen: ListenAddress | null;
  /** Of unix sockets, as in chmod. */
  readonly socketMode: number;
  /** null: plain text. */
  readonly tls: TlsSettings | null;
  /** null: nobody has to say who calls, and everybody may do everything. */
  readonly auth: AuthSettings | null;
  readonly access: readonly GrantSettings[];
  /** Of the operations page; null: off. */
  readonly ops: OpsSettings | null;
  readonly store: StoreSettings;
  /** Null: there is none. */
  readonly audit: AuditSettings | null;
  readonly limits: Limits;
  readonly drainTimeoutMs: number;
  readonly logLevel: LogLevel;
  /** Which calls have a line of their own in the log. */
  readonly logCalls: 'none' | 'failed' | 'all';
  /** Where metrics and traces are sent; null: nowhere. */
  readonly otlp: OtlpSettings | null;
  readonly pools: readonly PoolSettings[];
  /** Every file that was read for it, itself first, with the digest of what was read. */
  readonly files: ReadonlyMap<string, string>;
  /** For the log at start: what is allowed and yet dangerous. */
  readonly warnings: readonly string[];
}

export interface OpsSettings {
  readonly host: string;
  readonly port: number;
  /** What whoever looks must know; null: nobody is asked. */
  readonly token: Secret | null;
}

export interface OtlpSettings {
  /** Without the path of a signal. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, Secret>>;
  readonly intervalMs: number;
  readonly metrics: boolean;
  readonly traces: boolean;
}

export type ListenAddress = TcpAddress | UnixAddress;

interface TcpAddress {
  readonly kind: 'tcp';
  /** A name or an address; IPv6 without its brackets. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

interface UnixAddress {
  readonly kind: 'unix';
  /** Absolute. */
  readonly path: string;
}

/** The path is as written: a relative one starts at the working directory of the process. */
export type StoreSettings = { readonly kind: 'memory' } | { readonly kind: 'file'; readonly path: string } | RedisSettings;

interface Server {
  readonly host: string;
  readonly port: number;
}

export interface RedisSettings {
  readonly kind: 'redis';
  readonly place:
    | { readonly kind: 'single'; readonly at: Server }
    | { readonly kind: 'sentinel'; readonly name: string; readonly sentinels: readonly Server[] }
    | { readonly kind: 'cluster'; readonly nodes: readonly Server[] };
  readonly prefix: string;
  readonly database: number;
  /** null: plain text. */
  readonly tls: ServerTls | null;
  readonly username: string | null;
  readonly password: Secret | null;
  /** null: there are none. */
  readonly sentinels: SentinelSettings | null;
  readonly durability: 'ack' | 'replicated' | 'fsync';
  readonly timeoutMs: number;
}

/** Sentinels have users of their own, and the TLS files and server name of the servers. */
type SentinelSettings = Pick<RedisSettings, 'username' | 'password' | 'tls'>;

interface ServerTls {
  /** What certificates must be for; null: the host that is connected to. */
  readonly serverName: string | null;
  readonly files: ClientTlsFiles;
}

/** Paths as with the store. `fsync`: an answer waits until its record is on disk. */
export type AuditSettings = { readonly kind: 'stdout' } | { readonly kind: 'file'; readonly path: string; readonly fsync: boolean };

type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** A pool as the file has it: provider and strategy by name, keys with their secret. */
export interface PoolSettings extends Omit<PoolConfig, 'provider' | 'strategy' | 'modelClasses' | 'keys'> {
  readonly provider: string;
  readonly strategy: string;
  /** Null: the provider's own. */
  readonly baseUrl: string | null;
  /** Null: the provider's own. */
  readonly modelClasses: readonly ModelClassRule[] | null;
  readonly keys: readonly KeySettings[];
}

export interface KeySettings extends Omit<KeyConfig, 'fingerprint'> {
  readonly secret: Secret;
}
