import { logVerbosity, Server, ServerCredentials, type ServerOptions, type ServiceDefinition, setLogVerbosity } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import type { Logger } from 'pino';
import type { TlsSettings } from '../config/assemble-auth.ts';
import type { ListenAddress } from '../config/config.ts';
import type { Limits } from '../config/schema-limits.ts';
import { KeyLeaseServiceService } from '../generated/keylease/v1/key_lease_service.ts';
import { PoolAdminServiceService } from '../generated/keylease/v1/pool_admin_service.ts';
import type { AdminApi } from '../service/admin.ts';
import type { CallObserver } from '../service/finished-call.ts';
import type { Gate } from '../service/gate.ts';
import type { LeaseApi } from '../service/leases.ts';
import { CallBounds } from './call-bounds.ts';
import { Connections } from './connections.ts';
import { malformedFields, reflectedPackage } from './descriptors.ts';
import { resetHalfOpen } from './half-open.ts';
import { Malformed } from './handler.ts';
import type { Identities, ShowsIdentity } from './identity.ts';
import { keyLeaseService } from './key-lease-service.ts';
import { leaseCalls } from './lease-calls.ts';
import { OpenStreams } from './open-streams.ts';
import { poolAdminService } from './pool-admin-service.ts';
import { TlsCredentials } from './tls-credentials.ts';
import { claimSocket, openSocket, releaseSocket } from './unix-socket.ts';
import type { OpenWatch } from './watch-keys.ts';

/** Which services an address has, besides health and reflection. */
export type Services = 'all' | 'leases' | 'admin';

const SERVED = ['', 'keylease.v1.KeyLeaseService', 'keylease.v1.PoolAdminService'];

export interface GrpcOptions {
  readonly calls: LeaseApi;
  readonly admin: AdminApi;
  readonly openWatch: OpenWatch;
  readonly gate: Gate;
  readonly identities: Identities;
  /** Of TCP addresses; null: plain text. */
  readonly tls: TlsSettings | null;
  /** Of unix sockets, as in chmod. */
  readonly socketMode: number;
  readonly limits: Limits;
  readonly log: Logger;
  readonly now: () => number;
  readonly observe: CallObserver;
}

/** The wire: every service on every address, with health and reflection. */
export class GrpcServer {
  readonly #with: GrpcOptions;
  /** One for each kind of address: what differs between them is fixed when a server is made. */
  readonly #servers = new Map<string, Server>();
  readonly #tls: TlsCredentials | null;
  readonly #health = new HealthImplementation();
  readonly #streams = new OpenStreams();
  readonly #connections: Connections;
  /** The same for all servers: calls on any of them count. */
  readonly #bounds: CallBounds;
  readonly #stopResetting = resetHalfOpen();
  readonly #sockets: string[] = [];
  #isDraining = false;
  #isServing = true;

  constructor(options: GrpcOptions) {
    silenceLibrary();
    this.#with = options;
    this.#connections = new Connections(options.limits, options.log);
    this.#bounds = new CallBounds(options.limits, options.now);
    this.#tls = options.tls === null ? null : new TlsCredentials(options.tls);
    this.#showHealth();
  }

  /** Puts other certificates in force for new connections. False: they need another start. */
  putTls(tls: TlsSettings | null): boolean {
    return this.#tls === null || tls === null ? this.#tls === tls : this.#tls.put(tls);
  }

  #serverFor(kind: ListenAddress['kind'], services: Services): Server {
    const name = `${kind} ${services}`;
    const server = this.#servers.get(name) ?? this.#makeServer(kind === 'unix', services);
    this.#servers.set(name, server);
    return server;
  }

  #makeServer(isUnix: boolean, services: Services): Server {
    const { calls, limits, log, now, identities, observe } = this.#with;
    const server = new Server({ ...channelOptions(limits), interceptors: [this.#bounds.interceptor] });
    const identityOf = (call: ShowsIdentity) => identities.of(call, isUnix);
    const options = { log, limits, now, identityOf, observe, isDraining: () => this.#isDraining };
    if (services !== 'admin')
      server.addService(tolerant(KeyLeaseServiceService), keyLeaseService(leaseCalls(calls, limits), this.#streams, options));
    if (services !== 'leases') server.addService(tolerant(PoolAdminServiceService), poolAdminService(this.#with, this.#streams, options));
    this.#addForeign(server, this.#health);
    this.#addForeign(server, new ReflectionService(reflectedPackage()));
    return server;
  }

  /** Listens on one more address, for these services; answers the address as bound, with the port that was free where 0 was asked for. */
  async listen(address: ListenAddress, services: Services): Promise<string> {
    const server = this.#serverFor(address.kind, services);
    if (address.kind === 'tcp') {
      const injector = server.createConnectionInjector(this.#tls ?? ServerCredentials.createInsecure());
      const port = await this.#connections.listen(injector, address);
      return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${port}`;
    }
    await claimSocket(address.path);
    await this.#connections.listen(server.createConnectionInjector(ServerCredentials.createInsecure()), { path: address.path });
    openSocket(address.path, this.#with.socketMode);
    this.#sockets.push(address.path);
    return `unix:${address.path}`;
  }

  /** Whether calls can be answered, for the health service; a drain is never undone. */
  setServing(serving: boolean): void {
    this.#isServing = serving;
    this.#showHealth();
  }

  /** Refuses new calls, ends streams, lets calls under way finish, and after the bound cuts what is left. */
  async drain(boundMs: number): Promise<void> {
    this.#isDraining = true;
    this.#showHealth();
    this.#streams.drain();
    await this.#connections.drain(boundMs);
    this.#stopResetting();
    for (const path of this.#sockets) releaseSocket(path);
  }

  #addForeign(server: Server, service: { addToServer(server: Server): void }): void {
    const addService: Server['addService'] = (definition, handlers) => server.addService(definition, this.#streams.followed(handlers));
    service.addToServer({ addService } as Server);
  }

  #showHealth(): void {
    const serving = this.#isServing && !this.#isDraining ? 'SERVING' : 'NOT_SERVING';
    for (const service of SERVED) this.#health.setStatus(service, serving);
  }
}

/** The same service, with what cannot be decoded handed on as such: grpc-js would answer INTERNAL. */
function tolerant(definition: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(definition).map(([name, method]) => {
    const requestDeserialize = (bytes: Buffer): unknown => {
      try {
        return method.requestDeserialize(bytes);
      } catch {
        return new Malformed(malformedFields(method.path, bytes));
      }
    };
    return [name, { ...method, requestDeserialize }];
  });
  return Object.fromEntries(methods);
}

/** What grpc-js writes to standard error quotes what callers send, tokens among it; whoever looks for a fault sets its variable. */
function silenceLibrary(): void {
  if (process.env.GRPC_VERBOSITY === undefined && process.env.GRPC_NODE_VERBOSITY === undefined) setLogVerbosity(logVerbosity.NONE);
}

function channelOptions(limits: Limits): ServerOptions {
  return {
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': limits.messageBytes,
    'grpc.max_concurrent_streams': limits.callsPerConnection,
    'grpc.max_connection_age_ms': limits.connectionAgeMs,
    'grpc.max_connection_age_grace_ms': limits.connectionAgeGraceMs,
    'grpc.max_connection_idle_ms': limits.connectionIdleMs,
    'grpc.keepalive_time_ms': limits.keepaliveTimeMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
    'grpc-node.max_session_memory': limits.connectionMemoryMiB,
  };
}
