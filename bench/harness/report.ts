import type { Bar, Cell } from './bench.ts';
import { rounded } from './recorder.ts';

function text(cell: Cell): string {
  return typeof cell === 'number' ? rounded(cell).toLocaleString('en-GB') : cell;
}

/** Rows as aligned text, numbers to the right, the first row underlined. */
export function table(rows: readonly (readonly Cell[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, text(cell).length)));
  const lines = rows.map((row) =>
    row
      .map((cell, at) => (typeof cell === 'number' ? text(cell).padStart(widths[at] ?? 0) : text(cell).padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  if (lines.length > 1) lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
  return lines.join('\n');
}

/** `ok  log.append.single  5,200 1/s  (goal >= 4000, peer 5,600)` */
export function barLine(bar: Bar): string {
  const peer = bar.peer === null ? '' : `, peer ${text(bar.peer)}`;
  return `${bar.ok ? 'ok  ' : 'MISS'}  ${bar.id}  ${text(bar.value)} ${bar.unit}  (goal ${bar.goal}${peer})`;
}
