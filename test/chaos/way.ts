import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net';

/** `drop`: connections break and none is taken; `black hole`: they stay, and nothing arrives; a number: so many milliseconds late each way. */
export type Weather = 'fair' | 'drop' | 'black hole' | number;

/** The way between two ends of TCP, which can be made bad. */
export class Way {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #held: (() => void)[] = [];
  #weather: Weather = 'fair';
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

  become(weather: Weather): void {
    this.#weather = weather;
    if (weather === 'drop') for (const socket of this.#sockets) this.#break(socket);
    if (weather !== 'black hole') for (const go of this.#held.splice(0)) go();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(near: Socket, far: Socket): void {
    if (this.#weather === 'drop') {
      this.touched += 1;
      near.destroy();
      far.destroy();
      return;
    }
    this.#carry(near, far);
    this.#carry(far, near);
  }

  #carry(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      this.#later(() => to.destroy());
    });
    from.on('data', (bytes) => this.#later(() => to.writable && to.write(bytes)));
  }

  /** In their order, as the weather lets them. */
  #later(go: () => void): void {
    const weather = this.#weather;
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
