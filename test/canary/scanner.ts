import { type Shape, shapesOf } from './shapes.ts';

export interface Hit {
  readonly source: string;
  readonly canary: string;
  readonly shape: string;
}

/** Looks for canaries in everything that it is shown, and keeps count. */
export class Scanner {
  readonly hits: Hit[] = [];
  readonly #shapes: readonly { readonly canary: string; readonly shapes: readonly Shape[] }[];
  readonly #bytes = new Map<string, number>();

  /** Canaries by name, so that a hit does not print one. */
  constructor(canaries: Readonly<Record<string, string>>) {
    this.#shapes = Object.entries(canaries).map(([canary, secret]) => ({ canary, shapes: shapesOf(secret) }));
  }

  scan(source: string, told: string | Uint8Array): void {
    const bytes = Buffer.from(told);
    this.#bytes.set(source, (this.#bytes.get(source) ?? 0) + bytes.length);
    for (const { canary, shapes } of this.#shapes) {
      for (const shape of shapes) if (bytes.includes(shape.bytes)) this.hits.push({ source, canary, shape: shape.name });
    }
  }

  /** Bytes by source. */
  get sources(): ReadonlyMap<string, number> {
    return this.#bytes;
  }

  get summary(): string {
    const bytes = [...this.#bytes.values()].reduce((sum, each) => sum + each, 0);
    return `${this.#shapes.length} canaries, ${(bytes / 1_024 / 1_024).toFixed(1)} MB scanned in ${this.#bytes.size} sources, ${this.hits.length} hits`;
  }
}
