import type { Logger } from 'pino';
import type { AuditLog } from '../audit/audit-log.ts';
import { Authenticator } from '../auth/authenticator.ts';
import type { Config } from '../config/config.ts';
import { FileWatch } from '../config/file-watch.ts';
import { loadTokens } from '../config/load.ts';
import { reloadMistakes } from '../config/reload-check.ts';
import type { Identities } from '../grpc/identity.ts';
import type { GrpcServer } from '../grpc/server.ts';
import type { Audited } from '../service/audit.ts';
import type { Reloaded } from '../service/generations.ts';
import { type Answer, answered, refused } from '../service/problem.ts';
import type { Service } from '../service/service.ts';
import type { OpenedStore } from './open-store.ts';

/** Reads the configuration again; the texts say what is wrong with it. */
export type ReadConfig = () => Promise<Config | { readonly mistakes: readonly string[] }>;

/** Everything that a configuration is put into. */
interface Parts extends OpenedStore {
  readonly service: Pick<Service, 'gate' | 'generations' | 'watches'>;
  readonly identities: Identities;
  readonly server: GrpcServer;
  readonly auditLog: AuditLog | null;
  readonly log: Logger;
}

/** The configuration that counts, and how another one takes its place. */
export class InForce {
  readonly #atStart: Config;
  readonly #parts: Parts;
  readonly #readConfig: ReadConfig | undefined;
  #config: Config;
  #watch: FileWatch | undefined;

  constructor(config: Config, parts: Parts, readConfig?: ReadConfig) {
    this.#atStart = config;
    this.#config = config;
    this.#parts = parts;
    this.#readConfig = readConfig;
  }

  /** Puts the configuration of the start in force. */
  async begin(): Promise<Answer<Reloaded>> {
    return answered(await this.#put(this.#atStart), this.#parts.store.now());
  }

  /** Reads it again. What has mistakes changes nothing, but for the tokens. */
  async reload(): Promise<Answer<Reloaded>> {
    const { auditLog, store, log } = this.#parts;
    auditLog?.reopen();
    const next = (await this.#readConfig?.()) ?? this.#atStart;
    const mistakes = 'mistakes' in next ? next.mistakes : reloadMistakes(this.#atStart, this.#config, next);
    if ('mistakes' in next || mistakes.length > 0) {
      this.#putTokens();
      return refused({ kind: 'config_mistakes', mistakes }, store.now());
    }
    const reloaded = await this.#put(next);
    this.#watch?.put(next.files);
    log.info(reloaded, 'configuration reloaded');
    return answered(reloaded, store.now());
  }

  /** Reloads from now on when a file changes that the configuration was read from. */
  watchFiles(audit: Pick<Audited, 'reload'>): void {
    if (this.#readConfig === undefined) return;
    const { log } = this.#parts;
    const reload = async () => {
      const answer = await audit.reload('(file)', () => this.reload()).catch((err: unknown) => ({ ok: false, problem: err }) as const);
      if (!answer.ok) log.error({ problem: answer.problem }, 'a watched file has changed, and was not put in force: nothing changed');
    };
    this.#watch = new FileWatch(this.#atStart.files, () => void reload());
  }

  close(): void {
    this.#watch?.close();
  }

  #put(next: Config): Promise<Reloaded> {
    const { renew, service, server, log } = this.#parts;
    for (const warning of [...next.warnings, ...onlyAtStart(this.#atStart, next)]) log.warn(warning);
    renew(next.store);
    if (!server.putTls(next.tls))
      log.warn('whether there is TLS, or client certificates, has changed: this takes effect at the next start');
    this.#putAuth(next);
    service.gate.put(next.auth === null ? null : next.access);
    return service.generations.put(next);
  }

  #putAuth(next: Config): void {
    const { identities } = this.#parts;
    this.#config = next;
    identities.put(next.auth === null ? null : new Authenticator(next.auth, identities.authenticator));
  }

  /** What a good file of tokens says counts at once, whatever is wrong elsewhere: a revocation does not wait for that to be mended. */
  #putTokens(): void {
    const { service, log } = this.#parts;
    const { auth } = this.#config;
    const tokens = auth === null || auth.tokensFile === null ? null : loadTokens(auth.tokensFile);
    if (auth === null || tokens === null || JSON.stringify(tokens) === JSON.stringify(auth.tokens)) return;
    this.#putAuth({ ...this.#config, auth: { ...auth, tokens } });
    service.watches.reloaded();
    log.info({ file: auth.tokensFile, tokens: tokens.length }, 'the tokens alone were put in force');
  }
}

/** What a reload leaves as it is. */
function onlyAtStart(before: Config, next: Config): readonly string[] {
  const settings = {
    listen: 'listen',
    adminListen: 'admin_listen',
    socketMode: 'socket_mode',
    ops: 'ops',
    store: 'store',
    audit: 'audit',
    limits: 'limits',
    drainTimeoutMs: 'drain_timeout',
    logLevel: 'log.level',
    logCalls: 'log.calls',
    otlp: 'telemetry',
  } as const;
  const names = Object.keys(settings) as (keyof typeof settings)[];
  const changed = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(next[name]));
  return changed.map((name) => `${settings[name]} has changed: this takes effect at the next start`);
}
