import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { GroupState, Lease, RequestRecord } from '../pool/model.ts';
import type { Millis } from '../pool/upstream.ts';
import type { TouchedRows } from './file-batch.ts';
import { NumberedRows } from './file-numbered-rows.ts';
import { readRecords } from './file-records.ts';
import { readMeta } from './file-schema.ts';
import { groupOf, groupRowOf } from './group-row.ts';
import { requestKey } from './pool-tables.ts';
import { Tables } from './tables.ts';

/** The rows of a database, through statements that are prepared once. */
export class FileRows {
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #putMeta: StatementSync;
  readonly #putPool: StatementSync;
  readonly #putKey: StatementSync;
  readonly #putGroup: StatementSync;
  readonly #leases: NumberedRows<Lease>;
  readonly #requests: NumberedRows<RequestRecord>;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
    this.#putMeta = database.prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value');
    this.#putPool = database.prepare('INSERT INTO pools VALUES (?, ?) ON CONFLICT DO UPDATE SET record = excluded.record');
    this.#putKey = database.prepare('INSERT INTO keys VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET record = excluded.record');
    this.#putGroup = database.prepare('INSERT INTO groups VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET record = excluded.record');
    this.#leases = new NumberedRows(database, 'leases', ['id'], (lease) => lease.id);
    this.#requests = new NumberedRows(database, 'requests', ['holder', 'request_id'], (request) =>
      requestKey(request.holder, request.requestId),
    );
  }

  /** Reads every record. */
  load(): Tables {
    const tables = new Tables();
    for (const { pool, record } of readRecords(this.#database, 'pools')) tables.pool(pool).state = record;
    for (const { pool, record } of readRecords(this.#database, 'keys')) tables.pool(pool).keys.set(record.id, record);
    for (const { pool, record } of readRecords(this.#database, 'groups')) tables.pool(pool).groups.set(record.id, groupOf(record));
    for (const { pool, record } of this.#leases.load()) tables.pool(pool).putLease(record);
    for (const { pool, record } of this.#requests.load()) tables.putRequest(pool, record);
    tables.sequence = Number(readMeta(this.#database, 'sequence') ?? tables.sequence);
    return tables;
  }

  /** Brings the touched rows on disk to what the tables say, in one transaction; after what SQLite throws, only closing is left. */
  write(tables: Tables, touched: ReadonlyMap<string, TouchedRows>, now: Millis): void {
    this.#begin.run();
    for (const [pool, rows] of touched) this.#writePool(tables, pool, rows);
    this.#putMeta.run('sequence', tables.sequence);
    this.#putMeta.run('newest_time', now);
    this.#commit.run();
  }

  #writePool(tables: Tables, pool: string, touched: TouchedRows): void {
    const { state, keys, groups, leases, requests } = tables.pool(pool);
    if (touched.state) this.#putPool.run(pool, JSON.stringify(state));
    for (const id of touched.keys) this.#putKey.run(pool, id, JSON.stringify(keys.get(id)));
    for (const id of touched.groups) this.#putGroup.run(pool, id, JSON.stringify(groupRowOf(groups.get(id) as GroupState)));
    for (const id of touched.leases) this.#leases.write(pool, id, [id], leases.get(id));
    for (const [id, { holder, requestId }] of touched.requests) {
      this.#requests.write(pool, id, [holder, requestId], requests.get(id));
    }
  }
}
