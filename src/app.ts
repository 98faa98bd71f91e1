import pino, { type Logger } from 'pino';
import { openStore } from './app/open-store.ts';
import { AuditLog } from './audit/audit-log.ts';
import { openAuditFile, openAuditOutput } from './audit/sink.ts';
import { Authenticator } from './auth/authenticator.ts';
import type { AuditSettings, Config } from './config/config.ts';
import { FileWatch } from './config/file-watch.ts';
import { loadTokens } from './config/load.ts';
import { reloadMistakes } from './config/reload-check.ts';
import { Identities } from './grpc/identity.ts';
import { GrpcServer } from './grpc/server.ts';
import { openOperations } from './ops/operations.ts';
import { Admin } from './service/admin.ts';
import { audited } from './service/audit.ts';
import { countExpired } from './service/counted.ts';
import { Counts } from './service/counts.ts';
import type { Reloaded } from './service/generations.ts';
import type { Events } from './service/leases.ts';
import { type Answer, answered, refused } from './service/problem.ts';
import { Recorder } from './service/record.ts';
import { createService } from './service/service.ts';
import { openTraceFile } from './service/trace-file.ts';
import type { Store } from './store/store.ts';

export interface AppOptions {
  /** Left out: silence. */
  readonly log?: Logger;
  /** Reads the configuration again; the texts say what is wrong with it. */
  readonly readConfig?: () => Promise<Config | { readonly mistakes: readonly string[] }>;
  /** Draws from [0, 1). */
  readonly random?: () => number;
  /** In the place of the store that the configuration names. */
  readonly store?: Store;
  /** A file to which a trace of acquires and reports is appended, without anything secret. */
  readonly record?: string;
}

/** A service that runs. */
export interface App {
  /** Where the gRPC services listen, in the order of the configuration, with the ports as bound. */
  readonly addresses: readonly string[];
  /** Where operators call, where that is an address of its own. */
  readonly adminAddress: string | null;
  /** Where the operations listener listens; null: it is off. */
  readonly opsAddress: string | null;
  reload(): Promise<Answer<Reloaded>>;
  /** Drains and stops. */
  close(): Promise<void>;
}

/** The only wiring: a configuration turned into a service that runs, for the command and for tests alike. */
export async function startApp(config: Config, options: AppOptions = {}): Promise<App> {
  const { log = pino({ level: 'silent' }), random = Math.random } = options;
  const { store, renew } = await openStore(config.store, options.store, (warning) => log.warn(warning));
  const trace =
    options.record === undefined ? undefined : openTraceFile(options.record, (err) => log.error({ err }, 'the recording has ended'));
  const counts = new Counts();
  const events: Events = {
    joinedGroup: (pool, key, group) =>
      log.info({ pool, key, group }, 'responses name the account of this key: it shares the allowance of its limit group'),
    poolShrank: (pool, key, verdict, left) =>
      log.warn({ pool, key, verdict, ...left }, 'the pool is smaller: this key, or its limit group, is out'),
    leaseExpired: (lease) => {
      countExpired(counts, lease);
      audit.expired(lease);
    },
  };
  const service = createService(store, random, events, trace && new Recorder(trace), counts);
  const { gate, waiting, watches, generations, expiry } = service;
  const identities = new Identities();
  let inForce = config;

  const putAuth = (next: Config): void => {
    inForce = next;
    identities.put(next.auth === null ? null : new Authenticator(next.auth, identities.authenticator));
  };
  /** What a good file of tokens says counts at once, whatever is wrong elsewhere: a revocation does not wait for that to be mended. */
  const putTokens = (): void => {
    const { auth } = inForce;
    const tokens = auth === null || auth.tokensFile === null ? null : loadTokens(auth.tokensFile);
    if (auth === null || tokens === null || JSON.stringify(tokens) === JSON.stringify(auth.tokens)) return;
    putAuth({ ...inForce, auth: { ...auth, tokens } });
    watches.reloaded();
    log.info({ file: auth.tokensFile, tokens: tokens.length }, 'the tokens alone were put in force');
  };
  const put = (next: Config): Promise<Reloaded> => {
    for (const warning of [...next.warnings, ...onlyAtStart(config, next)]) log.warn(warning);
    renew(next.store);
    if (!server.putTls(next.tls))
      log.warn('whether there is TLS, or client certificates, has changed: this takes effect at the next start');
    putAuth(next);
    gate.put(next.auth === null ? null : next.access);
    return generations.put(next);
  };
  const readAndPut = async (): Promise<Answer<Reloaded>> => {
    auditLog?.reopen();
    const next = (await options.readConfig?.()) ?? config;
    const mistakes = 'mistakes' in next ? next.mistakes : reloadMistakes(config, inForce, next);
    if ('mistakes' in next || mistakes.length > 0) {
      putTokens();
      return refused({ kind: 'config_mistakes', mistakes }, store.now());
    }
    const reloaded = await put(next);
    watch?.put(next.files);
    log.info(reloaded, 'configuration reloaded');
    return answered(reloaded, store.now());
  };

  const auditLog = await openAudit(config.audit, store, (cause) => {
    show('audit', cause);
    if (cause !== null) log.error({ err: cause }, 'the audit cannot be written: no key is leased until it can');
    else log.info('the audit is open');
  });
  const audit = audited(service, new Admin({ ...service, random, reload: readAndPut }), auditLog);
  const openWatch = (pool: string, wake: () => void) => watches.open(pool, wake);
  const { tls, socketMode, limits } = config;
  const { calls, admin } = audit;
  const away = new Set<string>();
  const sights = { ...service, counts, config, log, isReady: () => away.size === 0, isStoreUp: () => !away.has('store') };
  const operations = await openOperations(sights).catch(async (error: unknown) => {
    expiry.stop();
    await store.close();
    throw error;
  });
  const server = new GrpcServer({
    ...{ calls, admin, openWatch, gate, identities, tls, socketMode, limits, log, now: () => store.now() },
    observe: operations.observe,
  });
  const show = (what: string, cause: Error | null) => {
    if (cause === null) away.delete(what);
    else away.add(what);
    server.setServing(away.size === 0);
  };
  store.onHealth((cause) => {
    show('store', cause);
    if (cause !== null) log.error({ err: cause }, 'the store is lost: no key is leased until it is back');
    else void recover();
  });
  const recover = async () => {
    await generations.recover().catch((err: unknown) => log.error({ err }, 'the store was lost again'));
    log.info('the store is back');
    warnOfLearning();
  };
  const warnOfLearning = () => {
    for (const pool of store.learningPools?.() ?? []) {
      log.warn(
        { pool },
        'the store may have forgotten grants: nothing is granted until the missing replicas are back, or the longest lease is over',
      );
    }
  };

  const watch = options.readConfig === undefined ? undefined : new FileWatch(config.files, () => void reloadChanged());
  const reloadChanged = async () => {
    const answer = await audit.reload('(file)', readAndPut).catch((err: unknown) => ({ ok: false, problem: err }) as const);
    if (!answer.ok) log.error({ problem: answer.problem }, 'a watched file has changed, and was not put in force: nothing changed');
  };
  const stop = async () => {
    away.add('process');
    watch?.close();
    expiry.stop();
    waiting.drain();
    await server.drain(config.drainTimeoutMs);
    watches.close();
    await operations.close();
    await store.close();
    auditLog?.close();
    await trace?.close();
    if (trace !== undefined && trace.dropped > 0) log.warn({ dropped: trace.dropped }, 'lines of the recording were dropped');
  };
  try {
    await audit.reload('(start)', async () => answered(await put(config), store.now()));
    warnOfLearning();
    const addresses: string[] = [];
    const { listen, adminListen } = config;
    for (const address of listen) addresses.push(await server.listen(address, adminListen === null ? 'all' : 'leases'));
    const adminAddress = adminListen === null ? null : await server.listen(adminListen, 'admin');
    const opsAddress = await operations.listen();
    return { addresses, adminAddress, opsAddress, reload: () => audit.reload('(signal)', readAndPut), close: stop };
  } catch (error) {
    await stop();
    throw error;
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

async function openAudit(settings: AuditSettings | null, store: Store, onHealth: (cause: Error | null) => void): Promise<AuditLog | null> {
  if (settings === null) return null;
  const open = () => (settings.kind === 'stdout' ? openAuditOutput() : openAuditFile(settings.path, settings.fsync));
  try {
    return new AuditLog({ open, now: () => store.now(), onHealth });
  } catch (error) {
    await store.close();
    throw error;
  }
}
