import { lookup } from 'node:dns/promises';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import type { Server } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { CannotListen } from '../config/cannot-listen.ts';
import type { Limits } from '../config/schema-limits.ts';
import { bindPrivately } from './unix-socket.ts';

type Bounds = Pick<Limits, 'connections' | 'connectionsPerPeer' | 'handshakeTimeoutMs'>;

/** Where connections go that are accepted: made by a grpc-js server for one kind of credentials. */
type Injector = ReturnType<Server['createConnectionInjector']>;

/** HTTP/2 begins with so many bytes, and TLS with more. */
const FIRST_BYTES = 24;

/** Where a `net` server can listen. */
type Place = { readonly host: string; readonly port: number } | { readonly path: string };

/** The listeners of all addresses and the connections that they accepted: grpc-js bounds neither their number nor their silence. */
export class Connections {
  readonly #bounds: Bounds;
  readonly #log: Logger;
  readonly #listeners: NetServer[] = [];
  readonly #injectors: Injector[] = [];
  readonly #open = new Set<Socket>();
  readonly #ofPeer = new Map<string, number>();
  #isTurningAway = false;

  constructor(bounds: Bounds, log: Logger) {
    this.#bounds = bounds;
    this.#log = log;
  }

  /** Listens on every address that a host name has, at least on one; answers the port, 0 for a path. */
  async listen(injector: Injector, place: Place): Promise<number> {
    this.#injectors.push(injector);
    if ('path' in place) return this.#listenOn(injector, place);
    const hosts = await addressesOf(place.host);
    let { port } = place;
    const failures: Error[] = [];
    for (const host of hosts) {
      await this.#listenOn(injector, { host, port }).then(
        (bound) => {
          port = bound;
        },
        (error) => failures.push(error),
      );
    }
    if (failures.length === hosts.length) throw failures[0];
    for (const { message } of failures) this.#log.warn(message);
    return port;
  }

  /** Accepts no more, lets calls under way finish, cuts what is left after the bound; resolves when nothing is. */
  async drain(boundMs: number): Promise<void> {
    const closed = this.#listeners.map((listener) => new Promise((resolve) => listener.close(resolve)));
    for (const injector of this.#injectors) injector.drain(boundMs);
    // Beside those of which grpc-js knows there are connections on which no HTTP/2 was spoken yet.
    const cut = setTimeout(() => this.#cut(), boundMs);
    await Promise.all(closed);
    clearTimeout(cut);
    for (const injector of this.#injectors) injector.destroy();
  }

  #listenOn(injector: Injector, place: Place): Promise<number> {
    const listener = createServer({ noDelay: true }, (socket) => this.#accept(socket, injector));
    return new Promise((resolve, reject) => {
      const name = 'path' in place ? `unix:${place.path}` : `${place.host}:${place.port}`;
      listener.once('error', (error) => reject(new CannotListen(`cannot listen on ${name}: ${error.message}`)));
      const bound = () => {
        this.#listeners.push(listener);
        // What goes wrong from now on goes wrong with one connection, such as too many open files.
        listener.on('error', (err) => this.#log.warn({ err }, 'a connection could not be accepted'));
        const address = listener.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      };
      // A path is bound before `listen` returns.
      if ('path' in place) bindPrivately(() => listener.listen(place, bound));
      else listener.listen(place, bound);
    });
  }

  #accept(socket: Socket, injector: Injector): void {
    const peer = socket.remoteAddress ?? '';
    const ofPeer = this.#ofPeer.get(peer) ?? 0;
    if (this.#open.size >= this.#bounds.connections || (peer !== '' && ofPeer >= this.#bounds.connectionsPerPeer)) {
      socket.destroy();
      this.#turnedAway(peer);
      return;
    }
    this.#open.add(socket);
    this.#ofPeer.set(peer, ofPeer + 1);
    const silence = setTimeout(() => socket.bytesRead < FIRST_BYTES && socket.destroy(), this.#bounds.handshakeTimeoutMs).unref();
    socket.once('close', () => {
      clearTimeout(silence);
      this.#open.delete(socket);
      this.#left(peer);
    });
    injector.injectConnection(socket);
  }

  #left(peer: string): void {
    const ofPeer = (this.#ofPeer.get(peer) ?? 1) - 1;
    if (ofPeer === 0) this.#ofPeer.delete(peer);
    else this.#ofPeer.set(peer, ofPeer);
    this.#isTurningAway = false;
  }

  /** One line for all that are turned away before the next one leaves. */
  #turnedAway(peer: string): void {
    if (this.#isTurningAway) return;
    this.#isTurningAway = true;
    this.#log.warn({ peer, connections: this.#open.size }, 'connections are turned away: see limits.connections in the configuration');
  }

  #cut(): void {
    for (const socket of this.#open) socket.destroy();
  }
}

async function addressesOf(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true }).catch((error: Error) => {
    throw new CannotListen(`cannot listen on ${host}: ${error.message}`);
  });
  return found.map(({ address }) => address);
}
