/** `server-on-bad-disk.ts CONFIG SLOW_MS`: the service on a disk that does as its parent says. */
import type { DatabaseSync } from 'node:sqlite';
import { startApp } from '../../src/app.ts';
import { readConfigFile } from '../../src/cli/config-file.ts';
import { formatMistake } from '../../src/config/mistake.ts';
import { openFileStore } from '../../src/store/file.ts';
import { openSqlite } from '../../src/store/file-disk.ts';

const [path, slowMs] = process.argv.slice(2) as [string, string];

let isReadOnly = false;
let database: DatabaseSync | undefined;

/** Commits take as long as a slow disk would take for its sync: SQLite, and with it the process, waits. */
function openDatabase(file: string): DatabaseSync {
  const opened = openSqlite(file);
  database = opened;
  if (isReadOnly) opened.exec('PRAGMA query_only = 1');
  const prepare = opened.prepare.bind(opened);
  opened.prepare = (sql) => {
    const statement = prepare(sql);
    if (sql !== 'COMMIT') return statement;
    const run = statement.run.bind(statement);
    statement.run = () => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(slowMs));
      return run();
    };
    return statement;
  };
  return opened;
}

process.on('message', (message: 'read-only' | 'writable') => {
  isReadOnly = message === 'read-only';
  if (isReadOnly) database?.exec('PRAGMA query_only = 1');
});

const reading = await readConfigFile(path, process.env);
if (!reading.ok) throw new Error(reading.mistakes.map(formatMistake).join('\n'));
const { config } = reading;
if (config.store.kind !== 'file') throw new Error('only a file store has a disk');
const app = await startApp(config, { store: openFileStore({ folder: config.store.path, openDatabase }) });
process.send!(app.addresses[0]);
