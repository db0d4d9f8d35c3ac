import { penColours } from './cea608-characters.constants.ts';
import { Cea608Screen, columnsOfScreen, rowsOfScreen } from './cea608-screen.core.ts';
import { plainPen, type PenStyle } from './cue.ts';
import type { CueLog } from './cue-log.core.ts';

type Mode = 'pop-on' | 'roll-up' | 'paint-on' | 'text';

const bottom = rowsOfScreen - 1;

/** Rows of preambles by the lower three bits of the first byte: without and with bit 0x20 of the second (CTA-608 table 53). */
const preambleRows: ReadonlyArray<readonly [number, number]> = [
  [10, 10],
  [0, 1],
  [2, 3],
  [11, 12],
  [13, 14],
  [4, 5],
  [6, 7],
  [8, 9],
];

/** One caption channel of CEA-608: its two memories, and what is written where (CTA-608-E section B and annex C). */
export class Cea608Channel {
  readonly #log: CueLog;
  #mode: Mode | undefined;
  #shown = new Cea608Screen();
  #hidden = new Cea608Screen();
  #row = bottom;
  #column = 0;
  #depth = 2;
  #pen: PenStyle = plainPen;

  constructor(log: CueLog) {
    this.#log = log;
  }

  /** Before any mode is told nobody knows where a character belongs; text is no caption. */
  get #screen(): Cea608Screen | undefined {
    if (this.#mode === 'pop-on') return this.#hidden;
    return this.#mode === 'roll-up' || this.#mode === 'paint-on' ? this.#shown : undefined;
  }

  characters(atMs: number, texts: readonly string[]): void {
    for (const text of texts) this.#put(text);
    this.#changed(atMs, true);
  }

  /** It stands in the place of the plainer one that was sent before it for older decoders. */
  extended(atMs: number, text: string): void {
    this.#column = Math.max(0, this.#column - 1);
    this.characters(atMs, [text]);
  }

  /** @param second of a miscellaneous control code, 0x20 to 0x2f (table 52) */
  control(atMs: number, second: number): void {
    switch (second) {
      case 0x20:
        this.#mode = 'pop-on';
        return;
      case 0x21:
        return this.#backspace(atMs);
      case 0x24:
        this.#screen?.erase(this.#row, this.#column);
        return this.#changed(atMs, true);
      case 0x25:
      case 0x26:
      case 0x27:
        return this.#beginRollUp(atMs, second - 0x23);
      case 0x29:
        this.#mode = 'paint-on';
        return;
      case 0x2a:
      case 0x2b:
        this.#mode = 'text';
        return;
      case 0x2c:
        this.#shown.clear();
        return this.#changed(atMs, false);
      case 0x2d:
        return this.#carriageReturn(atMs);
      case 0x2e:
        return this.#hidden.clear();
      case 0x2f:
        this.#mode = 'pop-on';
        [this.#shown, this.#hidden] = [this.#hidden, this.#shown];
        return this.#changed(atMs, false);
      // Alarms and flashing.
      default:
    }
  }

  tab(columns: number): void {
    this.#column = Math.min(columnsOfScreen - 1, this.#column + columns);
  }

  /** Takes a place of its own, and the pen writes differently behind it. */
  midRow(atMs: number, second: number): void {
    const index = (second & 0x0e) >> 1;
    const underline = (second & 1) === 1;
    this.#put(' ');
    this.#pen = index === 7 ? { ...this.#pen, italics: true, underline } : { colour: penColours[index], italics: false, underline };
    this.#changed(atMs, true);
  }

  preamble(atMs: number, first: number, second: number): void {
    const row = preambleRows[first & 7]?.[(second & 0x20) >> 5] ?? bottom;
    if (this.#mode === 'roll-up') {
      const base = Math.max(row, this.#depth - 1);
      if (base !== this.#row) this.#shown.move(this.#row, base, this.#depth);
      this.#row = base;
    } else this.#row = row;
    const index = (second & 0x1e) >> 1;
    const underline = (second & 1) === 1;
    this.#column = index < 8 ? 0 : (index - 8) * 4;
    this.#pen = { colour: index < 7 ? penColours[index] : undefined, italics: index === 7, underline };
    this.#changed(atMs, true);
  }

  #put(text: string): void {
    // At the end of a row the last place is written again (B.4).
    this.#screen?.write(this.#row, Math.min(this.#column, columnsOfScreen - 1), text, this.#pen);
    this.#column = Math.min(columnsOfScreen, this.#column + 1);
  }

  #backspace(atMs: number): void {
    this.#column = Math.max(0, this.#column - 1);
    this.#screen?.write(this.#row, this.#column, ' ', plainPen);
    this.#changed(atMs, true);
  }

  /** B.5: what another mode has left is erased, and it begins at the bottom. */
  #beginRollUp(atMs: number, depth: number): void {
    if (this.#mode !== 'roll-up') {
      this.#shown.clear();
      this.#hidden.clear();
      this.#row = bottom;
      this.#column = 0;
      this.#pen = plainPen;
    }
    this.#mode = 'roll-up';
    this.#depth = depth;
    this.#row = Math.max(this.#row, depth - 1);
    this.#changed(atMs, false);
  }

  #carriageReturn(atMs: number): void {
    if (this.#mode !== 'roll-up') return;
    this.#shown.rollUp(this.#row, this.#depth);
    this.#column = 0;
    this.#pen = plainPen;
    this.#changed(atMs, false);
  }

  #changed(atMs: number, written: boolean): void {
    if (written && this.#screen !== this.#shown) return;
    this.#log.show(atMs, this.#shown.blocks(), written);
  }
}
