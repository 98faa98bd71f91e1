import type { DatabaseSync } from 'node:sqlite';

/** One row; `row` is its number in the tables that number theirs. */
export interface StoredRecord {
  readonly row: number;
  readonly pool: string;
  // biome-ignore lint/suspicious/noExplicitAny: this program wrote it, and the schema's version vouches for its shape
  readonly record: any;
}

/** Every record of one table. */
export function* readRecords(database: DatabaseSync, table: string): Generator<StoredRecord> {
  for (const { row, pool, record } of database.prepare(`SELECT * FROM ${table}`).iterate()) {
    yield { row: Number(row), pool: String(pool), record: parse(table, String(record)) };
  }
}

/** Without the parser's own words, which quote the record. */
function parse(table: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`a record in the table ${table} of keylease.db is not JSON; put a copy of the file back`);
  }
}
