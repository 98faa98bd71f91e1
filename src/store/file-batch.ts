import type { Change } from '../pool/model.ts';
import { requestKey } from './pool-tables.ts';
import type { Applied } from './store.ts';
import type { Forgotten } from './tables.ts';

/** The ids of one pool's rows that differ from what is on disk. */
export class TouchedRows {
  state = false;
  readonly keys = new Set<string>();
  readonly groups = new Set<string>();
  readonly leases = new Set<string>();
  /** By `requestKey`. */
  readonly requests = new Map<string, { readonly holder: string; readonly requestId: string }>();
}

/** The changes of one turn of the event loop. What is written is each touched row once, as it stands at the end. */
export class Batch {
  readonly touched = new Map<string, TouchedRows>();
  readonly changes: Change[] = [];
  /** One answer for all of them, because they share one transaction. */
  readonly answer = Promise.withResolvers<Applied>();

  constructor() {
    // Where only forgotten records or the time are written, nobody waits for the answer.
    this.answer.promise.catch(() => {});
  }

  add(change: Change): void {
    const rows = this.#rows(change.pool);
    if (change.state !== undefined) rows.state = true;
    for (const { id } of change.keys ?? []) rows.keys.add(id);
    for (const { id } of change.groups ?? []) rows.groups.add(id);
    for (const { id } of change.leases ?? []) rows.leases.add(id);
    for (const id of change.ended ?? []) rows.leases.add(id);
    for (const { holder, requestId } of change.requests ?? []) rows.requests.set(requestKey(holder, requestId), { holder, requestId });
    this.changes.push(change);
  }

  addForgotten({ pool, holder, requestId }: Forgotten): void {
    this.#rows(pool).requests.set(requestKey(holder, requestId), { holder, requestId });
  }

  #rows(pool: string): TouchedRows {
    let rows = this.touched.get(pool);
    if (rows === undefined) {
      rows = new TouchedRows();
      this.touched.set(pool, rows);
    }
    return rows;
  }
}
