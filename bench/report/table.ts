/** One column; figures stand right, words left. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** Aligned lines under a title. */
export function table(title: string, columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, place) => Math.max(column.title.length, ...rows.map((row) => row[place]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, place) => (columns[place]?.align === 'left' ? cell.padEnd(widths[place]!) : cell.padStart(widths[place]!)))
      .join('  ')
      .trimEnd();
  const head = line(columns.map((column) => column.title));
  return `\n${title}\n\n${[head, ...rows.map(line)].map((each) => `  ${each}\n`).join('')}`;
}
