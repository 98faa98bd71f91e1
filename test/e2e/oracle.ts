import { LeaseState } from '../../src/generated/keylease/v1/lease.ts';
import type { Connection } from '../support/app.ts';

/** What a client was told, or would have been, of one request id. */
interface Entry {
  readonly requestId: string;
  /** null: the answer never came. */
  leaseId: string | null;
  /** The end that was asked for; null: none. */
  asked: 'settled' | 'released' | null;
  /** Whether the answer to that came. */
  acknowledged: boolean;
}

const STATES = { settled: LeaseState.LEASE_STATE_SETTLED, released: LeaseState.LEASE_STATE_RELEASED } as const;

export interface Verdict {
  /** Acknowledged grants and ends that were looked up again. */
  readonly checked: number;
  /** What was acknowledged and is not so, as sentences. */
  readonly lost: readonly string[];
}

/** Works as clients do and keeps a record of all that was acknowledged, to be held against the server after it was killed. */
export class Oracle {
  readonly #entries: Entry[] = [];
  /** Draws from [0, 1). */
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** One client: acquires, then reports, releases or keeps, one after the other, until the server is gone. */
  async work({ leases }: Connection): Promise<void> {
    for (;;) {
      const entry: Entry = { requestId: `r${this.#entries.length}`, leaseId: null, asked: null, acknowledged: false };
      this.#entries.push(entry);
      try {
        entry.leaseId = (await leases.acquireKey({ requestId: entry.requestId })).lease!.leaseId;
        const draw = this.#random();
        entry.asked = draw < 0.6 ? 'settled' : draw < 0.8 ? 'released' : null;
        await this.#end({ leases }, entry);
        entry.acknowledged = entry.asked !== null;
      } catch {
        return;
      }
    }
  }

  /** Asks for everything again: what was acknowledged must be so; what was not is made so, once. */
  async check(server: Connection): Promise<Verdict> {
    const lost: string[] = [];
    let checked = 0;
    for (const entry of this.#entries) {
      const { lease, credential } = await server.leases.acquireKey({ requestId: entry.requestId });
      if (entry.leaseId !== null) checked += 1;
      if (entry.leaseId !== null && lease?.leaseId !== entry.leaseId) lost.push(`${entry.requestId} is another lease`);
      if (entry.acknowledged) checked += 1;
      const ended = entry.asked === null ? undefined : STATES[entry.asked];
      if (entry.acknowledged && lease?.state !== ended) lost.push(`${entry.requestId} was ${entry.asked} and is in state ${lease?.state}`);
      if (entry.acknowledged && credential !== undefined) lost.push(`${entry.requestId} has ended and hands out a credential`);
      entry.leaseId = lease!.leaseId;
      await this.#end(server, entry);
      entry.acknowledged = entry.asked !== null;
    }
    return { checked, lost };
  }

  /** The ids of all leases that must be under way now. */
  underWay(): string[] {
    return this.#entries.filter(({ asked }) => asked === null).map(({ leaseId }) => leaseId as string);
  }

  get settled(): number {
    return this.#entries.filter(({ asked }) => asked === 'settled').length;
  }

  async #end({ leases }: Pick<Connection, 'leases'>, { leaseId, asked }: Entry): Promise<void> {
    if (asked === 'settled') {
      await leases.reportHeaders({ leaseId: leaseId as string, statusCode: 200, usage: { inputTokens: 10, outputTokens: 1 } });
    }
    if (asked === 'released') await leases.releaseLease({ leaseId: leaseId as string });
  }
}
