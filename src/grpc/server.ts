import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import type { Logger } from 'pino';
import type { TlsSettings } from '../config/assemble-auth.ts';
import { CannotListen } from '../config/cannot-listen.ts';
import type { ListenAddress } from '../config/config.ts';
import { KeyLeaseServiceService } from '../generated/keylease/v1/key_lease_service.ts';
import { PoolAdminServiceService } from '../generated/keylease/v1/pool_admin_service.ts';
import type { AdminApi } from '../service/admin.ts';
import type { CallObserver } from '../service/finished-call.ts';
import type { Gate } from '../service/gate.ts';
import type { LeaseApi } from '../service/leases.ts';
import { malformedFields, reflectedPackage } from './descriptors.ts';
import { Malformed } from './handler.ts';
import type { Identities, ShowsIdentity } from './identity.ts';
import { keyLeaseService } from './key-lease-service.ts';
import { leaseCalls } from './lease-calls.ts';
import { OpenStreams } from './open-streams.ts';
import { poolAdminService } from './pool-admin-service.ts';
import { TlsCredentials } from './tls-credentials.ts';
import { claimSocket, openSocket, releaseSocket } from './unix-socket.ts';
import type { OpenWatch } from './watch-keys.ts';

const RECEIVE_BYTES_MAX = 64 * 1_024;

/** Connections are renewed now and then, so that clients spread over replicas; idle ones are closed. */
const CONNECTION_AGE_MS = 30 * 60_000;
const CONNECTION_GRACE_MS = 60_000;
const CONNECTION_IDLE_MS = 10 * 60_000;
const STREAMS_PER_CONNECTION_MAX = 1_000;

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
  readonly #bound: { readonly server: Server; readonly address: string }[] = [];
  readonly #sockets: string[] = [];
  #isDraining = false;
  #isServing = true;

  constructor(options: GrpcOptions) {
    this.#with = options;
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
    const { calls, log, now, identities, observe } = this.#with;
    const server = new Server({
      'grpc.enable_channelz': 0,
      'grpc.max_receive_message_length': RECEIVE_BYTES_MAX,
      'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION_MAX,
      'grpc.max_connection_age_ms': CONNECTION_AGE_MS,
      'grpc.max_connection_age_grace_ms': CONNECTION_GRACE_MS,
      'grpc.max_connection_idle_ms': CONNECTION_IDLE_MS,
    });
    const identityOf = (call: ShowsIdentity) => identities.of(call, isUnix);
    const options = { log, now, identityOf, observe, isDraining: () => this.#isDraining };
    if (services !== 'admin')
      server.addService(tolerant(KeyLeaseServiceService), keyLeaseService(leaseCalls(calls), this.#streams, options));
    if (services !== 'leases') server.addService(tolerant(PoolAdminServiceService), poolAdminService(this.#with, this.#streams, options));
    this.#addForeign(server, this.#health);
    this.#addForeign(server, new ReflectionService(reflectedPackage()));
    return server;
  }

  /** Listens on one more address, for these services; answers the address as bound, with the port that was free where 0 was asked for. */
  async listen(address: ListenAddress, services: Services): Promise<string> {
    const server = this.#serverFor(address.kind, services);
    if (address.kind === 'tcp') {
      const host = address.host.includes(':') ? `[${address.host}]` : address.host;
      const credentials = this.#tls ?? ServerCredentials.createInsecure();
      const bound = `${host}:${await bind(server, `${host}:${address.port}`, credentials)}`;
      this.#bound.push({ server, address: bound });
      return bound;
    }
    await claimSocket(address.path);
    await bind(server, `unix:${address.path}`, ServerCredentials.createInsecure());
    openSocket(address.path, this.#with.socketMode);
    this.#sockets.push(address.path);
    this.#bound.push({ server, address: `unix:${address.path}` });
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
    // Not forceShutdown: without channelz grpc-js does not know its connections there, and would cut none.
    for (const { server, address } of this.#bound) server.drain(address, boundMs);
    await Promise.all([...this.#servers.values()].map((server) => new Promise<void>((resolve) => server.tryShutdown(() => resolve()))));
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

function bind(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(new CannotListen(`cannot listen on ${address}: ${error.message}`));
    });
  });
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
