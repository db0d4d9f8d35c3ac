import { lineOf, plainPen, type CaptionBlock, type PenStyle, type StyledText } from './cue.ts';

/** Places of a grid that spans the safe area of a wide picture (CTA-708 section 8.2). */
const gridRows = 75;
const gridColumns = 210;
const gridColumnsNarrow = 160;
const marginPercent = 5;
const areaPercent = 90;
const columnsMax = 42;

const blank: StyledText = { text: ' ', style: plainPen };

/** What DefineWindow says of a window that captions in WebVTT keep (CTA-708 section 8.10.5.2). */
export interface WindowPlace {
  readonly visible: boolean;
  readonly rows: number;
  readonly columns: number;
  /** Which of its nine points stands at the anchor: row by row, from the upper left. */
  readonly anchorPoint: number;
  readonly vertical: number;
  readonly horizontal: number;
  /** The anchor is told in per cent. */
  readonly relative: boolean;
}

/** A window of a CEA-708 service: text that is written in rows and scrolls up when it is full. */
export class Cea708Window {
  visible: boolean;
  pen: PenStyle = plainPen;
  #place: WindowPlace;
  #rows: StyledText[][] = [[]];
  #row = 0;
  #column = 0;

  constructor(place: WindowPlace) {
    this.#place = place;
    this.visible = place.visible;
  }

  /** It is defined again: what is written stays. */
  define(place: WindowPlace): void {
    this.#place = place;
    this.visible = place.visible;
  }

  write(text: string): void {
    const row = (this.#rows[this.#row] ??= []);
    const column = Math.min(this.#column, columnsMax - 1);
    while (row.length < column) row.push(blank);
    row[column] = { text, style: this.pen };
    this.#column = column + 1;
  }

  backspace(): void {
    this.#column = Math.max(0, this.#column - 1);
    this.#rows[this.#row]?.splice(this.#column);
  }

  newLine(): void {
    this.#column = 0;
    this.#row += 1;
    if (this.#row < this.#place.rows) return;
    this.#rows.shift();
    this.#row = this.#place.rows - 1;
  }

  eraseLine(): void {
    this.#rows[this.#row] = [];
    this.#column = 0;
  }

  clear(): void {
    this.#rows = [[]];
    this.#row = 0;
    this.#column = 0;
  }

  moveTo(row: number, column: number): void {
    this.#row = Math.min(row, this.#place.rows - 1);
    this.#column = Math.min(column, columnsMax - 1);
  }

  /** Undefined for a window without a letter. */
  block(): CaptionBlock | undefined {
    const lines = Array.from({ length: this.#rows.length }, (_, row) => lineOf(this.#rows[row] ?? [])).filter((line) => line !== '');
    if (lines.length === 0) return undefined;
    const { relative, vertical, horizontal, anchorPoint, columns } = this.#place;
    const down = relative ? vertical : (vertical / gridRows) * 100;
    const across = relative ? horizontal : (horizontal / (horizontal < gridColumnsNarrow ? gridColumnsNarrow : gridColumns)) * 100;
    // A row is as high as one of the fifteen of CEA-608.
    const height = lines.length * (areaPercent / 15);
    const width = columns * (areaPercent / columnsMax);
    const within = (percent: number, size: number, third: number): number => marginPercent + (percent * areaPercent) / 100 - (size * third) / 2;
    const bounded = (percent: number, size: number): number => Math.max(0, Math.min(percent, 100 - size));
    return {
      topPercent: bounded(within(down, height, Math.floor(anchorPoint / 3)), height),
      leftPercent: bounded(within(across, width, anchorPoint % 3), Math.min(width, areaPercent)),
      lines,
    };
  }
}
