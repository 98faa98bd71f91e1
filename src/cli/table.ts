import { plain } from './words.ts';

/** One column of a table. */
export interface Column<Row> {
  readonly title: string;
  cell(row: Row): string;
  /** Numbers stand on the right. */
  readonly right?: boolean;
  /** Where the terminal is too narrow, the least important column goes first. */
  readonly importance: number;
  /** Colours the padded cell. */
  paint?(text: string, row: Row): string;
}

/** How a table is laid out: no wider than `width` (null: as wide as it likes), in colour or not. */
export interface Layout {
  readonly width: number | null;
  readonly colour: boolean;
}

interface Laid<Row> {
  readonly column: Column<Row>;
  readonly cells: readonly string[];
  readonly width: number;
}

const GAP = '  ';

/** Lines of a table: a line of titles, a line a row, no line longer than the layout's width, no trailing spaces. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], layout: Layout): string {
  const laid = fit(
    columns.map((column) => lay(column, rows)),
    layout.width,
  );
  const titles = line(laid.map(({ column, width }) => pad(column.title.toUpperCase(), width, column.right)));
  const body = rows.map((row, index) =>
    line(
      laid.map(({ column, cells, width }) => {
        const padded = pad(cells[index] ?? '', width, column.right);
        return layout.colour && column.paint ? column.paint(padded, row) : padded;
      }),
    ),
  );
  return [titles, ...body].join('\n');
}

/** Lines of `name  value`, names aligned; lines whose value is empty are left out. */
export function fields(pairs: readonly (readonly [name: string, value: string])[]): string {
  const told = pairs.filter(([, value]) => value !== '');
  const width = Math.max(...told.map(([name]) => name.length));
  return told.map(([name, value]) => `${name.padEnd(width)}${GAP}${plain(value)}`).join('\n');
}

function lay<Row>(column: Column<Row>, rows: readonly Row[]): Laid<Row> {
  const cells = rows.map((row) => plain(column.cell(row)));
  return { column, cells, width: Math.max(column.title.length, ...cells.map((cell) => cell.length)) };
}

function fit<Row>(laid: readonly Laid<Row>[], width: number | null): readonly Laid<Row>[] {
  if (width === null || total(laid) <= width) return laid;
  if (laid.length === 1) return laid.map((only) => shorten(only, width));
  const least = laid.reduce((a, b) => (b.column.importance < a.column.importance ? b : a));
  return fit(
    laid.filter((one) => one !== least),
    width,
  );
}

function shorten<Row>(laid: Laid<Row>, width: number): Laid<Row> {
  const cells = laid.cells.map((cell) => (cell.length > width ? `${cell.slice(0, Math.max(0, width - 1))}…` : cell));
  return { ...laid, column: { ...laid.column, title: laid.column.title.slice(0, width) }, cells, width };
}

const total = <Row>(laid: readonly Laid<Row>[]) => laid.reduce((sum, { width }) => sum + width, 0) + GAP.length * (laid.length - 1);
const pad = (text: string, width: number, right = false) => (right ? text.padStart(width) : text.padEnd(width));
const line = (cells: readonly string[]) => cells.join(GAP).trimEnd();
