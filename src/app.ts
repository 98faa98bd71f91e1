import pino, { type Logger } from 'pino';
import { InForce, type ReadConfig } from './app/in-force.ts';
import { openAudit } from './app/open-audit.ts';
import { openStore } from './app/open-store.ts';
import { Readiness } from './app/readiness.ts';
import { followStore, warnOfLearning } from './app/store-health.ts';
import type { AuditLog } from './audit/audit-log.ts';
import type { Config } from './config/config.ts';
import { Identities } from './grpc/identity.ts';
import { GrpcServer } from './grpc/server.ts';
import { type Operations, openOperations } from './ops/operations.ts';
import type { Lease } from './pool/model.ts';
import { Admin } from './service/admin.ts';
import { audited } from './service/audit.ts';
import { countExpired } from './service/counted.ts';
import { Counts } from './service/counts.ts';
import type { Reloaded } from './service/generations.ts';
import type { Events } from './service/leases.ts';
import type { Answer } from './service/problem.ts';
import { Recorder } from './service/record.ts';
import { createService, type Service } from './service/service.ts';
import { openTraceFile, type TraceFile } from './service/trace-file.ts';
import type { Store } from './store/store.ts';

export interface AppOptions {
  /** Left out: silence. */
  readonly log?: Logger;
  /** Left out: a reload puts the same configuration in force again. */
  readonly readConfig?: ReadConfig;
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
  const { log = pino({ level: 'silent' }), random = Math.random, record, readConfig } = options;
  const opened = await openStore(config.store, options.store, (warning) => log.warn(warning));
  const { store } = opened;
  const trace = record === undefined ? undefined : openTraceFile(record, (err) => log.error({ err }, 'the recording has ended'));
  const counts = new Counts();
  const events = eventsOf(log, counts, (lease) => audit.expired(lease));
  const service = createService(store, random, events, trace && new Recorder(trace), counts);
  const readiness = new Readiness();
  const auditLog = await openAudit(config.audit, store, readiness, log);
  const audit = audited(service, new Admin({ ...service, random, reload: () => inForce.reload() }), auditLog);

  const sights = { isReady: () => readiness.isReady, isStoreUp: () => readiness.isUp('store') };
  const operations = await openOperations({ ...service, ...sights, counts, config, log }).catch(async (error: unknown) => {
    service.expiry.stop();
    await store.close();
    throw error;
  });
  const identities = new Identities();
  const { tls, socketMode, limits } = config;
  const { calls, admin } = audit;
  const server = new GrpcServer({
    ...{ calls, admin, gate: service.gate, identities, tls, socketMode, limits, log, now: () => store.now() },
    openWatch: (pool, wake) => service.watches.open(pool, wake),
    observe: operations.observe,
  });
  readiness.onShow((isReady) => server.setServing(isReady));
  followStore(store, service.generations, readiness, log);

  const inForce = new InForce(config, { ...opened, service, identities, server, auditLog, log }, readConfig);
  inForce.watchFiles(audit);
  const close = () => stop({ config, readiness, inForce, service, server, operations, store, auditLog, trace, log });
  try {
    await audit.reload('(start)', () => inForce.begin());
    warnOfLearning(store, log);
    const addresses = await listen(config, server, operations);
    return { ...addresses, reload: () => audit.reload('(signal)', () => inForce.reload()), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What happens by itself in the service, as the log, the counts and the audit tell it. */
function eventsOf(log: Logger, counts: Counts, auditExpired: (lease: Lease) => void): Events {
  return {
    joinedGroup: (pool, key, group) =>
      log.info({ pool, key, group }, 'responses name the account of this key: it shares the allowance of its limit group'),
    poolShrank: (pool, key, verdict, left) =>
      log.warn({ pool, key, verdict, ...left }, 'the pool is smaller: this key, or its limit group, is out'),
    leaseExpired: (lease) => {
      countExpired(counts, lease);
      auditExpired(lease);
    },
  };
}

/** Takes calls: only once everything before is in force. */
async function listen(
  config: Config,
  server: GrpcServer,
  operations: Operations,
): Promise<Pick<App, 'addresses' | 'adminAddress' | 'opsAddress'>> {
  const { adminListen } = config;
  const addresses: string[] = [];
  for (const address of config.listen) addresses.push(await server.listen(address, adminListen === null ? 'all' : 'leases'));
  const adminAddress = adminListen === null ? null : await server.listen(adminListen, 'admin');
  return { addresses, adminAddress, opsAddress: await operations.listen() };
}

interface Running {
  readonly config: Config;
  readonly readiness: Readiness;
  readonly inForce: InForce;
  readonly service: Service;
  readonly server: GrpcServer;
  readonly operations: Operations;
  readonly store: Store;
  readonly auditLog: AuditLog | null;
  readonly trace: TraceFile | undefined;
  readonly log: Logger;
}

/** Who waits is sent away and calls under way finish, before what they stand on is closed. */
async function stop({ config, readiness, inForce, service, server, operations, store, auditLog, trace, log }: Running): Promise<void> {
  readiness.end();
  inForce.close();
  service.expiry.stop();
  service.waiting.drain();
  await server.drain(config.drainTimeoutMs);
  service.watches.close();
  await operations.close();
  await store.close();
  auditLog?.close();
  await trace?.close();
  if (trace !== undefined && trace.dropped > 0) log.warn({ dropped: trace.dropped }, 'lines of the recording were dropped');
}
