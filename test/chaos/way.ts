import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net';

/** `drop`: connections break and none is taken; `black hole`: they stay, and nothing arrives; a number: so many milliseconds late each way. */
export type Weather = 'fair' | 'drop' | 'black hole' | number;

/** Whether weather is that of the connections that come from an address. */
export type Hits = (caller: string) => boolean;

/** The way to one end of TCP, which can be made bad for all who come by it, or for some. */
export class Way {
  readonly #server: Server;
  /** Both ends of every connection, and who made it. */
  readonly #sockets = new Map<Socket, string>();
  readonly #held: (() => void)[] = [];
  #weather: Weather = 'fair';
  #hits: Hits = () => true;
  /** Pieces that did not pass as they came. */
  touched = 0;

  private constructor(target: number) {
    this.#server = createServer((near) => this.#join(near, dial(target, '127.0.0.1')));
  }

  static async to(target: number): Promise<Way> {
    const way = new Way(target);
    way.#server.listen(0, '127.0.0.1');
    await once(way.#server, 'listening');
    return way;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Whoever is not hit has fair weather. */
  become(weather: Weather, hits: Hits = () => true): void {
    this.#weather = weather;
    this.#hits = hits;
    if (weather === 'drop') for (const [socket, caller] of this.#sockets) if (hits(caller)) this.#break(socket);
    if (weather !== 'black hole') for (const go of this.#held.splice(0)) go();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  #join(near: Socket, far: Socket): void {
    const caller = near.remoteAddress ?? '';
    if (this.#weatherFor(caller) === 'drop') {
      this.touched += 1;
      near.destroy();
      far.on('error', () => {}).destroy();
      return;
    }
    this.#carry(near, far, caller);
    this.#carry(far, near, caller);
  }

  #carry(from: Socket, to: Socket, caller: string): void {
    this.#sockets.set(from, caller);
    from.setNoDelay(true);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      this.#later(caller, () => to.destroy());
    });
    from.on('data', (bytes) => this.#later(caller, () => to.writable && to.write(bytes)));
  }

  #weatherFor(caller: string): Weather {
    return this.#hits(caller) ? this.#weather : 'fair';
  }

  /** In their order, as the weather lets them. */
  #later(caller: string, go: () => void): void {
    const weather = this.#weatherFor(caller);
    if (weather !== 'fair') this.touched += 1;
    if (weather === 'black hole') this.#held.push(go);
    else if (typeof weather === 'number') setTimeout(go, weather);
    else go();
  }

  #break(socket: Socket): void {
    this.touched += 1;
    socket.destroy();
  }
}
