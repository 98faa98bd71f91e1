import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import type { Logger } from 'pino';
import { CannotListen } from '../config/cannot-listen.ts';
import type { ListenAddress } from '../config/config.ts';
import { KeyLeaseServiceService } from '../generated/keylease/v1/key_lease_service.ts';
import { PoolAdminServiceService } from '../generated/keylease/v1/pool_admin_service.ts';
import type { Admin } from '../service/admin.ts';
import type { LeaseApi } from '../service/leases.ts';
import { malformedFields, reflectedPackage } from './descriptors.ts';
import { Malformed } from './handler.ts';
import { keyLeaseService } from './key-lease-service.ts';
import { leaseCalls } from './lease-calls.ts';
import { OpenStreams } from './open-streams.ts';
import { poolAdminService } from './pool-admin-service.ts';
import { claimSocket, openSocket, releaseSocket } from './unix-socket.ts';
import type { OpenWatch } from './watch-keys.ts';

const RECEIVE_BYTES_MAX = 64 * 1_024;

/** Connections are renewed now and then, so that clients spread over replicas; idle ones are closed. */
const CONNECTION_AGE_MS = 30 * 60_000;
const CONNECTION_GRACE_MS = 60_000;
const CONNECTION_IDLE_MS = 10 * 60_000;
const STREAMS_PER_CONNECTION_MAX = 1_000;

const SERVED = ['', 'keylease.v1.KeyLeaseService', 'keylease.v1.PoolAdminService'];

export interface GrpcOptions {
  readonly calls: LeaseApi;
  readonly admin: Admin;
  readonly openWatch: OpenWatch;
  readonly log: Logger;
  readonly now: () => number;
}

/** The wire: every service on every address, with health and reflection. */
export class GrpcServer {
  readonly #server: Server;
  readonly #health = new HealthImplementation();
  readonly #streams = new OpenStreams();
  readonly #bound: string[] = [];
  readonly #sockets: string[] = [];
  #isDraining = false;
  #isServing = true;

  constructor({ calls, admin, openWatch, log, now }: GrpcOptions) {
    this.#server = new Server({
      'grpc.enable_channelz': 0,
      'grpc.max_receive_message_length': RECEIVE_BYTES_MAX,
      'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION_MAX,
      'grpc.max_connection_age_ms': CONNECTION_AGE_MS,
      'grpc.max_connection_age_grace_ms': CONNECTION_GRACE_MS,
      'grpc.max_connection_idle_ms': CONNECTION_IDLE_MS,
    });
    const options = { log, now, isDraining: () => this.#isDraining };
    this.#server.addService(tolerant(KeyLeaseServiceService), keyLeaseService(leaseCalls(calls), this.#streams, options));
    this.#server.addService(tolerant(PoolAdminServiceService), poolAdminService(admin, openWatch, this.#streams, options));
    this.#addForeign(this.#health);
    this.#addForeign(new ReflectionService(reflectedPackage()));
    this.#showHealth();
  }

  /** Listens on one more address; answers the address as bound, with the port that was free where 0 was asked for. */
  async listen(address: ListenAddress): Promise<string> {
    if (address.kind === 'tcp') {
      const host = address.host.includes(':') ? `[${address.host}]` : address.host;
      const bound = `${host}:${await this.#bind(`${host}:${address.port}`)}`;
      this.#bound.push(bound);
      return bound;
    }
    await claimSocket(address.path);
    await this.#bind(`unix:${address.path}`);
    openSocket(address.path);
    this.#sockets.push(address.path);
    this.#bound.push(`unix:${address.path}`);
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
    for (const address of this.#bound) this.#server.drain(address, boundMs);
    await new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    for (const path of this.#sockets) releaseSocket(path);
  }

  #addForeign(service: { addToServer(server: Server): void }): void {
    const addService: Server['addService'] = (definition, handlers) =>
      this.#server.addService(definition, this.#streams.followed(handlers));
    service.addToServer({ addService } as Server);
  }

  #bind(address: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(new CannotListen(`cannot listen on ${address}: ${error.message}`));
      });
    });
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
