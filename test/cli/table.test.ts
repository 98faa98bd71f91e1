import { describe, expect, test } from 'vitest';
import { type Column, fields, table } from '../../src/cli/table.ts';

interface Row {
  readonly name: string;
  readonly state: string;
  readonly left: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'key', importance: 3, cell: (row) => row.name },
  { title: 'state', importance: 2, cell: (row) => row.state, paint: (text) => `<${text}>` },
  { title: 'left', importance: 1, right: true, cell: (row) => row.left },
];
const ROWS: readonly Row[] = [
  { name: 'team-a', state: 'available', left: '29,987' },
  { name: 'b', state: 'cooldown', left: '7' },
];

describe('table', () => {
  test.each([
    {
      rule: 'columns are aligned, numbers on the right, and a wide terminal changes nothing',
      layout: { width: 80, colour: false },
      lines: ['KEY     STATE        LEFT', 'team-a  available  29,987', 'b       cooldown        7'],
    },
    {
      rule: 'where there is no terminal nothing is cut',
      layout: { width: null, colour: false },
      lines: ['KEY     STATE        LEFT', 'team-a  available  29,987', 'b       cooldown        7'],
    },
    {
      rule: 'a table that just fits keeps its columns',
      layout: { width: 25, colour: false },
      lines: ['KEY     STATE        LEFT', 'team-a  available  29,987', 'b       cooldown        7'],
    },
    {
      rule: 'one character less costs the least important column',
      layout: { width: 24, colour: false },
      lines: ['KEY     STATE', 'team-a  available', 'b       cooldown'],
    },
    {
      rule: 'the last column is shortened rather than wrapped',
      layout: { width: 4, colour: false },
      lines: ['KEY', 'tea…', 'b'],
    },
    {
      rule: 'colour is put around the padded cell, so that it moves nothing',
      layout: { width: 25, colour: true },
      lines: ['KEY     STATE        LEFT', 'team-a  <available>  29,987', 'b       <cooldown >       7'],
    },
  ])('$rule', ({ layout, lines }) => {
    expect(table(COLUMNS, ROWS, layout).split('\n')).toEqual(lines);
  });

  test('fields are aligned, and those without a value are left out', () => {
    expect(
      fields([
        ['key', 'a'],
        ['message', ''],
        ['group', 'org'],
      ]),
    ).toBe('key    a\ngroup  org');
  });
});
