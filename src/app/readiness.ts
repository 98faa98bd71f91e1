/** What of this process is away, which makes all of it not ready. */
export class Readiness {
  readonly #away = new Set<string>();
  #heard: (isReady: boolean) => void = () => {};

  get isReady(): boolean {
    return this.#away.size === 0;
  }

  isUp(what: string): boolean {
    return !this.#away.has(what);
  }

  /** `cause` says why it is away; null: it is there. */
  show(what: string, cause: Error | null): void {
    if (cause === null) this.#away.delete(what);
    else this.#away.add(what);
    this.#heard(this.isReady);
  }

  /** The process is away for good. Its drain says so itself. */
  end(): void {
    this.#away.add('process');
  }

  /** Hears it from now on. */
  onShow(heard: (isReady: boolean) => void): void {
    this.#heard = heard;
  }
}
