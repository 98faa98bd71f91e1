import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chained, readLine, sha256 } from '../../src/audit/chain.ts';
import { chain, START, verified } from './support.ts';

const RECORDS = ['a', 'b', 'c', 'd', 'e'].map((holder) => ({ kind: 'grant', holder, pool: 'default' }));
const GOOD = chain(RECORDS);
const joined = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');

/** The record at a place of the chain told otherwise, with the hash that this has. */
const forged = (place: number, holder: string) => {
  const before = place === 0 ? undefined : readLine(GOOD[place - 1]!);
  return chain([{ kind: 'grant', holder, pool: 'default' }], before)[0]!;
};

test('a chain as it was written has no flaw, its count, its span and its last hash', () => {
  const head = readLine(GOOD[4]!)!;
  const time = new Date(START).toISOString();
  expect(verified(joined(GOOD))).toMatchObject({
    records: 5,
    from: time,
    to: time,
    flaw: null,
    follows: null,
    torn: 0,
    unfinishedBytes: 0,
  });
  expect(verified(joined(GOOD)).head?.hash).toBe(head.hash);
});

test('the hash of a line is what sha256sum makes of it, and is in the next line', () => {
  expect(GOOD[0]).toContain(`,"hash":"${sha256(GOOD[0]!.replace(/,"hash":.*/, ''))}"}`);
  expect(readLine(GOOD[1]!)!.previous).toBe(readLine(GOOD[0]!)!.hash);
});

test.each([
  ['a word of a record is another', joined(GOOD).replace('"holder":"c"', '"holder":"x"'), 'f:3 (record 3) was edited'],
  ['the last record is another', joined(GOOD).replace('"holder":"e"', '"holder":"x"'), 'f:5 (record 5) was edited'],
  ['a hash is another', joined(GOOD).replace(readLine(GOOD[1]!)!.hash, '0'.repeat(64)), 'f:2 (record 2) was edited'],
  ['a record is another, its hash made anew', joined(GOOD.with(2, forged(2, 'x'))), 'f:3 (record 3) was edited: f:4 follows another one'],
  ['a line is no record any more', joined(GOOD.with(2, 'x')), 'f:3 is no record: it was edited or inserted'],
  ['the last line is no record', joined([...GOOD, 'x']), 'f:6 is no record: it was edited or inserted'],
  ['two lines are no records', joined([...GOOD, 'x', 'y']), 'f:6 is no record: it was edited or inserted'],
  ['a line is empty', joined(GOOD.toSpliced(2, 0, '')), 'f:3 is no record: it was edited or inserted'],
  ['a record is gone', joined(GOOD.toSpliced(2, 1)), 'before f:3, record 3 was removed'],
  ['several records are gone', joined(GOOD.toSpliced(1, 3)), 'before f:2, records 2 to 4 were removed'],
  ['a record was put in', joined(GOOD.toSpliced(2, 0, forged(2, 'x'))), 'f:3 (record 3) was inserted'],
  ['a record stands there twice', joined(GOOD.toSpliced(2, 0, GOOD[2]!)), 'f:4 (record 3) was inserted'],
  ['an old record was put in again', joined(GOOD.toSpliced(4, 0, GOOD[0]!)), 'f:5 (record 1) was inserted'],
  ['two records have changed places', joined(GOOD.with(1, GOOD[2]!).with(2, GOOD[1]!)), 'before f:2, record 2 was removed'],
  [
    'a torn record is claimed that was whole',
    joined([...GOOD.slice(0, 2), 'x', ...chain([{ kind: 'torn', sha256: sha256('y') }], readLine(GOOD[1]!))]),
    'f:3 is no record: it was edited or inserted',
  ],
])('it is found where %s', (_, text, flaw) => {
  expect(verified(text).flaw).toBe(flaw);
});

test('no change of any character goes unseen', () => {
  fc.assert(
    fc.property(fc.nat(joined(GOOD).length - 2), fc.constantFrom('0', 'x', ' ', '"', '}', '\n'), (at, put) => {
      const text = joined(GOOD);
      fc.pre(text[at] !== put);
      expect(verified(text.slice(0, at) + put + text.slice(at + 1)).flaw).not.toBeNull();
    }),
  );
});

test('a chain that goes on from another file says from which record', () => {
  const found = verified(joined(GOOD.slice(2)));
  expect(found).toMatchObject({ flaw: null, records: 3, follows: { seq: 2, hash: readLine(GOOD[1]!)!.hash } });
});

test('what a crash left unfinished is told, whether a later record tells of it or not', () => {
  const torn = '{"audit":1,"seq":3,"ti';
  const after = chain([{ kind: 'torn', bytes: torn.length, sha256: sha256(torn) }, { kind: 'opened' }], readLine(GOOD[1]!));
  expect(verified(joined(GOOD.slice(0, 2)) + torn)).toMatchObject({ flaw: null, records: 2, torn: 0, unfinishedBytes: torn.length });
  expect(verified(joined([...GOOD.slice(0, 2), torn, ...after]))).toMatchObject({ flaw: null, records: 4, torn: 1 });
});

test('a cut end and a chain that was made anew are found by a hash that was noted elsewhere', () => {
  const noted = readLine(GOOD[4]!)!.hash;
  expect(verified(joined(GOOD), noted).flaw).toBeNull();
  expect(verified(joined(GOOD.slice(0, 4)), noted).flaw).toContain('no record has the hash');
  expect(verified(joined(chain(RECORDS.with(0, { kind: 'grant', holder: 'x', pool: 'default' }))), noted).flaw).toContain(
    'the chain was made anew',
  );
});

test('every character of a line is one byte, and reads as it was', () => {
  const { line } = chained({ seq: 7, hash: '0'.repeat(64) }, START, { kind: 'grant', holder: 'Zoë 🔑' });
  expect(Buffer.byteLength(line)).toBe(line.length);
  expect(JSON.parse(line)).toMatchObject({ audit: 1, seq: 8, holder: 'Zoë 🔑' });
  expect(readLine(line.trimEnd())).toMatchObject({ seq: 8, isIntact: true });
});
