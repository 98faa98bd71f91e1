import { randomBytes } from 'node:crypto';
import type { Change } from '../../pool/model.ts';
import type { StoreTime } from './store-time.ts';

/** This process among those that share the store. */
export class Replica {
  /** Of this process, and of no other, ever. */
  readonly id: string;
  readonly time: StoreTime;
  readonly tell: (change: Change) => void;
  /** Of the newest change that it shows; never behind a number that another replica wrote into a record. Above 0, which there means never. */
  sequence = 1;
  #stamps = 0;

  constructor(time: StoreTime, tell: (change: Change) => void, random: (size: number) => Uint8Array = randomBytes) {
    this.id = Buffer.from(random(9)).toString('base64url');
    this.time = time;
    this.tell = tell;
  }

  /** A text that nobody else makes, ever. */
  stamp(): string {
    this.#stamps += 1;
    return `${this.id}.${this.#stamps.toString(36)}`;
  }
}

/** The replica that made a stamp. */
export function replicaOf(stamp: string): string {
  return stamp.slice(0, stamp.lastIndexOf('.'));
}
