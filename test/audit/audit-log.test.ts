import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type AuditSink, openAuditFile } from '../../src/audit/sink.ts';
import { Verifier } from '../../src/audit/verify.ts';
import { verifyFile } from '../../src/audit/verify-file.ts';
import { chain, newFile, newLog, verified } from './support.ts';

const file = (path: string) => () => openAuditFile(path, false);
const kinds = (path: string) => linesOf(path).map((line) => JSON.parse(line).kind);
const linesOf = (path: string) => readFileSync(path, 'utf8').trimEnd().split('\n');
const record = (holder: string) => ({ kind: 'grant', holder });

async function flawOf(...paths: string[]): Promise<string | null> {
  const verifier = new Verifier();
  for (const path of paths) await verifyFile(verifier, path);
  return verifier.result().flaw;
}

test('the records of one turn are one write, and each is answered once it is written', async () => {
  const writes: string[] = [];
  const sink: AuditSink = { left: null, torn: null, write: (lines) => void writes.push(lines), close: () => {} };
  const log = newLog(() => sink);
  const appended = ['a', 'b', 'c'].map((holder) => log.append(record(holder)));
  expect(writes).toHaveLength(1);
  expect(await Promise.all(appended)).toEqual([true, true, true]);
  expect(writes).toHaveLength(2);
  expect(await log.append(record('d'))).toBe(true);
  expect(writes.map((lines) => lines.split('\n').length - 1)).toEqual([1, 3, 1]);
  expect(verified(writes.join('')).flaw).toBeNull();
});

test('a file is for its owner alone', () => {
  const path = newFile();
  newLog(file(path));
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('the next run links to the last line of the one before', async () => {
  const path = newFile();
  for (const holder of ['a', 'b']) {
    const log = newLog(file(path));
    await log.append(record(holder));
    log.close();
  }
  expect(kinds(path)).toEqual(['opened', 'grant', 'closed', 'opened', 'grant', 'closed']);
  expect(await flawOf(path)).toBeNull();
});

test('the file after a rotation links to the last line of the one before', async () => {
  const path = newFile();
  const log = newLog(file(path));
  await log.append(record('a'));
  renameSync(path, `${path}.1`);
  await log.append(record('b'));
  log.reopen();
  await log.append(record('c'));
  expect([kinds(`${path}.1`), kinds(path)]).toEqual([['opened', 'grant', 'grant'], ['opened', 'grant']]); // biome-ignore format: a row a file
  expect(await flawOf(`${path}.1`, path)).toBeNull();
  expect(await flawOf(path)).toBeNull();
  truncateSync(`${path}.1`, statSync(`${path}.1`).size - linesOf(`${path}.1`)[2]!.length - 1);
  expect(await flawOf(`${path}.1`, path)).toBe(`before ${path}:1, record 3 was removed`);
});

test.each([
  ['in its middle', 20],
  ['before its last character', 2],
])('a line that a crash tore %s is ended and told', async (_, missing) => {
  const path = newFile();
  const log = newLog(file(path));
  await log.append(record('a'));
  const whole = readFileSync(path, 'utf8');
  truncateSync(path, whole.length - missing);
  const next = newLog(file(path));
  expect(await next.append(record('b'))).toBe(true);
  const torn = linesOf(path)[1]!;
  expect(whole).toContain(torn);
  expect(JSON.parse(linesOf(path)[2]!)).toMatchObject({ kind: 'torn', bytes: torn.length, seq: 2 });
  expect(verified(readFileSync(path, 'utf8'))).toMatchObject({ flaw: null, torn: 1, records: 4 });
});

test('a line that lacks nothing but its end is a record', async () => {
  const path = newFile();
  await newLog(file(path)).append(record('a'));
  truncateSync(path, statSync(path).size - 1);
  newLog(file(path));
  expect(kinds(path)).toEqual(['opened', 'grant', 'opened']);
  expect(await flawOf(path)).toBeNull();
});

test.each([
  ['something else', 'a,b,c\n'],
  ['a record that was edited', `${chain([{ kind: 'grant', holder: 'a' }])[0]}\n`.replace('"a"', '"b"')],
  ['one line without end', `${'x'.repeat(300_000)}`],
])('a file that ends with %s is not gone on with', (_, content) => {
  const path = newFile();
  writeFileSync(path, content);
  expect(() => newLog(file(path))).toThrow(/is no intact audit record: see `keylease audit verify/);
});

test.each([
  ['in a folder that is not there', (path: string) => `${path}/none/audit.log`],
  ['that is a folder', (path: string) => dirname(path)],
])('a file %s is refused', (_, place) => {
  expect(() => newLog(file(place(newFile())))).toThrow(/the audit cannot be written/);
});

test('a device is refused', () => {
  expect(() => newLog(file('/dev/null'))).toThrow('the audit /dev/null is no regular file');
});

test('what cannot be written is answered so, and again once the place is back; half a line that was left is told', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const path = newFile();
  let isFull = false;
  const open = (): AuditSink => {
    const sink = openAuditFile(path, true);
    const write = (lines: string) => {
      if (!isFull) return sink.write(lines);
      appendFileSync(path, lines.slice(0, 30));
      throw new Error('no space left on device');
    };
    if (isFull) throw new Error('no space left on device');
    return { ...sink, write };
  };
  const health: (string | null)[] = [];
  const log = newLog(open, (cause) => health.push(cause?.message ?? null));
  expect(await log.append(record('a'))).toBe(true);
  isFull = true;
  expect(await Promise.all([log.append(record('b')), log.append(record('c'))])).toEqual([false, false]);
  expect(log.isLost).toBe(true);
  expect(await log.append(record('d'))).toBe(false);
  vi.advanceTimersByTime(2_000);
  expect(health).toEqual(['no space left on device', 'no space left on device', 'no space left on device']);
  isFull = false;
  vi.advanceTimersByTime(1_000);
  expect([log.isLost, health.at(-1)]).toEqual([false, null]);
  expect(await log.append(record('e'))).toBe(true);
  expect(verified(readFileSync(path, 'utf8'))).toMatchObject({ flaw: null, torn: 1, records: 5 });
  expect(readFileSync(path, 'utf8')).not.toMatch(/"holder":"[bcd]"/);
});

test('records that were cut off while the service ran are missed when the file is opened again', async () => {
  const path = newFile();
  const log = newLog(file(path));
  await log.append(record('a'));
  await log.append(record('b'));
  truncateSync(path, statSync(path).size - linesOf(path)[2]!.length - 1);
  log.reopen();
  expect(await flawOf(path)).toBe(`before ${path}:3, records were cut off that the service had written`);
});

test('a file that was deleted loses the audit until there is another one, which follows the record that is gone', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const path = newFile();
  const log = newLog(file(path));
  await log.append(record('a'));
  rmSync(path);
  expect([await log.append(record('b')), log.isLost]).toEqual([false, true]);
  vi.advanceTimersByTime(1_000);
  expect(await log.append(record('c'))).toBe(true);
  expect(verified(readFileSync(path, 'utf8'))).toMatchObject({ flaw: null, records: 2, follows: { seq: 2 } });
});

test('a rotation into a folder that is gone loses the audit until it is there again', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const path = newFile();
  const log = newLog(file(path));
  const folder = dirname(path);
  renameSync(folder, `${folder}-moved`);
  log.reopen();
  expect([log.isLost, await log.append(record('a'))]).toEqual([true, false]);
  mkdirSync(folder);
  vi.advanceTimersByTime(1_000);
  expect([log.isLost, await log.append(record('b'))]).toEqual([false, true]);
  expect(await flawOf(`${folder}-moved/audit.log`, path)).toBeNull();
  renameSync(`${folder}-moved`, `${folder}/moved`);
});
