import type { ChannelCredentials } from '@grpc/grpc-js';
import type { Connection } from './raw-http2.ts';

/** A server under attack, as its attackers see it. */
export interface Target {
  readonly address: string;
  /** A connection to it, before any HTTP/2 was spoken; TLS is done where the server has it. */
  connect(): Promise<Connection>;
  /** For clients of gRPC. */
  readonly credentials: ChannelCredentials;
}

/** How much an attack may do. */
export interface Budget {
  /** The share of its full count, up to 1. */
  readonly share: number;
  /** On the clock of `performance.now()`. */
  readonly until: number;
}

/** One way to do harm. It ends by itself, at the latest when its budget does, and says what it did. */
export interface Attack {
  readonly name: string;
  /** In the full form, for the count in its budget. */
  readonly count: number;
  run(target: Target, budget: Budget, count: number): Promise<string>;
}

export function hasTime({ until }: Budget): boolean {
  return performance.now() < until;
}

/** Draws from [0, 1), the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export function randomBytes(random: () => number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
}
