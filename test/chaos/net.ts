import { Way, type Weather } from './way.ts';

/** The ways among replicas and servers, who are told apart by the address that they call from; it can be parted. */
export class Net {
  readonly #ways: { readonly way: Way; readonly owner: string }[] = [];

  /** Makes a way to a port of whoever calls from an address; answers the port of the way. */
  readonly wayTo = async (port: number, owner: string): Promise<number> => {
    const way = await Way.to(port);
    this.#ways.push({ way, owner });
    return way.port;
  };

  /** Makes the weather between those on an island and all others bad; among themselves each side has fair weather. */
  part(island: readonly string[], weather: Weather): void {
    for (const { way, owner } of this.#ways) way.become(weather, (caller) => island.includes(caller) !== island.includes(owner));
  }

  heal(): void {
    for (const { way } of this.#ways) way.become('fair');
  }

  /** Pieces that did not pass as they came. */
  get touched(): number {
    return this.#ways.reduce((sum, { way }) => sum + way.touched, 0);
  }

  close(): void {
    for (const { way } of this.#ways) way.close();
  }
}
