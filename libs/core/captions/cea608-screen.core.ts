import { lineOf, plainPen, type CaptionBlock, type PenStyle, type StyledText } from './cue.ts';

export const rowsOfScreen = 15;
export const columnsOfScreen = 32;

/** The safe area: ten per cent of the picture are left free at each edge (CTA-608 section 6.2). */
const marginPercent = 10;
const areaPercent = 80;

const blank: StyledText = { text: ' ', style: plainPen };

type Row = StyledText[];

/** One memory of a caption channel: 15 rows of 32 characters. */
export class Cea608Screen {
  #rows = new Map<number, Row>();

  clear(): void {
    this.#rows = new Map();
  }

  write(row: number, column: number, text: string, style: PenStyle): void {
    const cells = this.#rows.get(row) ?? Array.from({ length: columnsOfScreen }, () => blank);
    this.#rows.set(row, cells);
    cells[column] = { text, style };
  }

  /** From that column to the end of the row. */
  erase(row: number, column: number): void {
    this.#rows.get(row)?.fill(blank, column);
  }

  /** The rows of a window move up by one; the topmost is lost, as is what is outside of the window. */
  rollUp(base: number, depth: number): void {
    this.move(base, base, depth);
    const rolled = new Map<number, Row>();
    for (const [row, cells] of this.#rows) if (row > base - depth + 1) rolled.set(row - 1, cells);
    this.#rows = rolled;
  }

  /** The window that ends at one row is at another from now on. */
  move(from: number, to: number, depth: number): void {
    const moved = new Map<number, Row>();
    for (const [row, cells] of this.#rows) if (row <= from && row > from - depth && row + to - from >= 0) moved.set(row + to - from, cells);
    this.#rows = moved;
  }

  /** Rows that follow each other stand together. */
  blocks(): readonly CaptionBlock[] {
    const blocks: Array<CaptionBlock & { lines: string[]; leftPercent: number }> = [];
    let before = -2;
    for (const [row, cells] of [...this.#rows].toSorted(([a], [b]) => a - b)) {
      const line = lineOf(cells);
      if (line === '') continue;
      const left = marginPercent + (cells.findIndex(({ text }) => text.trim() !== '') / columnsOfScreen) * areaPercent;
      const open = row === before + 1 ? blocks.at(-1) : undefined;
      if (open === undefined) blocks.push({ topPercent: marginPercent + (row / rowsOfScreen) * areaPercent, leftPercent: left, lines: [line] });
      else {
        open.lines.push(line);
        open.leftPercent = Math.min(open.leftPercent, left);
      }
      before = row;
    }
    return blocks;
  }
}
