/** One fault, put into the source on purpose, that the tests must see. */
export interface Mutant {
  /** What the service would do wrong. */
  readonly name: string;
  readonly file: string;
  /** Source text that is in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** The fewest test files that see it. */
  readonly tests: readonly string[];
}
