import { penColours } from './cea608-characters.constants.ts';
import { Cea708Window, type WindowPlace } from './cea708-window.core.ts';
import type { PenStyle } from './cue.ts';
import type { CueLog } from './cue-log.core.ts';

const windowsMax = 8;
/** The longest command that may be cut by the end of a block. */
const restMax = 64;

/** Characters of G2 (CTA-708 section 7.1.8) that are no ASCII and no Latin-1. */
const g2: Readonly<Record<number, string>> = {
  ...{ 0x20: ' ', 0x21: '\u00a0', 0x25: '…', 0x2a: 'Š', 0x2c: 'Œ', 0x30: '█', 0x31: '‘', 0x32: '’', 0x33: '“', 0x34: '”', 0x35: '•', 0x39: '™' },
  ...{
    0x3a: 'š',
    0x3c: 'œ',
    0x3d: '℠',
    0x3f: 'Ÿ',
    0x76: '⅛',
    0x77: '⅜',
    0x78: '⅝',
    0x79: '⅞',
    0x7a: '│',
    0x7b: '┐',
    0x7c: '└',
    0x7d: '─',
    0x7e: '┘',
    0x7f: '┌',
  },
};

/** Parameters behind the codes of C1 from 0x80 on (section 8.10): windows are set, defined and coloured. */
const parametersOfC1: Readonly<Record<number, number>> = {
  ...{ 0x88: 1, 0x89: 1, 0x8a: 1, 0x8b: 1, 0x8c: 1, 0x8d: 1, 0x90: 2, 0x91: 3, 0x92: 2, 0x93: 1, 0x94: 1, 0x95: 1, 0x96: 1, 0x97: 4 },
  ...Object.fromEntries(Array.from({ length: windowsMax }, (_, window) => [0x98 + window, 6])),
};

/** One service of CEA-708: its windows, and what is written into them. */
export class Cea708Service {
  readonly #log: CueLog;
  #windows: Array<Cea708Window | undefined> = [];
  #current = 0;
  #rest: readonly number[] = [];

  constructor(log: CueLog) {
    this.#log = log;
  }

  /** Packets are missing: a command that was cut is not ended any more. */
  lost(): void {
    this.#rest = [];
  }

  /** The data of a service block. */
  push(atMs: number, block: Uint8Array): void {
    const bytes = [...this.#rest, ...block];
    let at = 0;
    let written = true;
    while (at < bytes.length) {
      const size = sizeOf(bytes, at);
      if (at + size > bytes.length) break;
      written = this.#take(bytes.slice(at, at + size)) && written;
      at += size;
    }
    this.#rest = bytes.length - at > restMax ? [] : bytes.slice(at);
    this.#log.show(atMs, this.#blocks(), written);
  }

  #blocks() {
    return this.#windows.flatMap((window) => (window?.visible === true ? (window.block() ?? []) : []));
  }

  /** Answers true for what is written, as opposed to done with windows. */
  #take(command: readonly number[]): boolean {
    const [code = 0, ...parameters] = command;
    if (code >= 0x80 && code < 0xa0) return this.#control(code, parameters);
    const window = this.#windows[this.#current];
    if (window === undefined) return true;
    if (code >= 0x20) window.write(code === 0x7f ? '♪' : String.fromCharCode(code));
    else if (code === 0x10) writeExtended(window, parameters[0] ?? 0);
    else if (code === 0x18) window.write(wideCharacter(parameters));
    else if (code === 0x08) window.backspace();
    else if (code === 0x0c) window.clear();
    else if (code === 0x0e) window.eraseLine();
    else if (code === 0x0d) {
      window.newLine();
      return false;
    }
    return true;
  }

  #control(code: number, parameters: readonly number[]): boolean {
    const [first = 0, second = 0] = parameters;
    if (code < 0x88) this.#current = code - 0x80;
    else if (code >= 0x98) this.#define(code - 0x98, parameters);
    else if (code >= 0x88 && code <= 0x8c) this.#each(code, first);
    else if (code === 0x8f) this.#windows = [];
    else if (code === 0x90) this.#setPen({ italics: (second & 0x80) !== 0, underline: (second & 0x40) !== 0 });
    else if (code === 0x91) this.#setPen({ colour: colourOf(first) });
    else if (code === 0x92) this.#windows[this.#current]?.moveTo(first & 0x0f, second & 0x3f);
    return code === 0x90 || code === 0x91 || code === 0x92;
  }

  /** Clear, display, hide, toggle and delete name windows by bits. */
  #each(code: number, bits: number): void {
    for (let index = 0; index < windowsMax; index++) {
      const window = this.#windows[index];
      if (window === undefined || (bits & (1 << index)) === 0) continue;
      if (code === 0x88) window.clear();
      else if (code === 0x8c) this.#windows[index] = undefined;
      else window.visible = code === 0x89 || (code === 0x8b && !window.visible);
    }
  }

  #define(index: number, [p1 = 0, p2 = 0, p3 = 0, p4 = 0, p5 = 0]: readonly number[]): void {
    const place: WindowPlace = {
      visible: (p1 & 0x20) !== 0,
      relative: (p2 & 0x80) !== 0,
      vertical: p2 & 0x7f,
      horizontal: p3,
      anchorPoint: Math.min(8, p4 >> 4),
      rows: Math.min(15, (p4 & 0x0f) + 1),
      columns: (p5 & 0x3f) + 1,
    };
    const window = this.#windows[index];
    if (window === undefined) this.#windows[index] = new Cea708Window(place);
    else window.define(place);
    this.#current = index;
  }

  #setPen(pen: Partial<PenStyle>): void {
    const window = this.#windows[this.#current];
    if (window !== undefined) window.pen = { ...window.pen, ...pen };
  }
}

function wideCharacter([high = 0, low = 0]: readonly number[]): string {
  const code = (high << 8) | low;
  return code < 0x20 ? ' ' : String.fromCharCode(code);
}

function writeExtended(window: Cea708Window, code: number): void {
  const text = code >= 0xa0 ? '[CC]' : code >= 0x20 && code < 0x80 ? (g2[code] ?? '_') : '';
  for (const letter of text) window.write(letter);
}

/** Two bits for each of red, green and blue; the nearest of those that WebVTT has a name for. */
function colourOf(bits: number): string | undefined {
  const [red, green, blue] = [(bits >> 4) & 3, (bits >> 2) & 3, bits & 3].map((level) => (level >= 2 ? 1 : 0)) as [number, number, number];
  const names: Readonly<Record<string, string | undefined>> = { '010': 'green', '001': 'blue', '011': 'cyan', '100': 'red', '110': 'yellow', '101': 'magenta' };
  const name = names[`${red}${green}${blue}`];
  return penColours.includes(name) ? name : undefined;
}

/** How long a command is, its code included (section 7.1). */
function sizeOf(bytes: readonly number[], at: number): number {
  const code = bytes[at] ?? 0;
  if (code >= 0x80 && code < 0xa0) return 1 + (parametersOfC1[code] ?? 0);
  if (code === 0x10) return 1 + extendedSize(bytes, at + 1);
  if (code >= 0x20 || code < 0x10) return 1;
  return code < 0x18 ? 2 : 3;
}

/** C2 and C3 are unused, but their lengths are told (section 7.1.5 and 7.1.6). */
function extendedSize(bytes: readonly number[], at: number): number {
  const code = bytes[at] ?? 0;
  if (code < 0x20) return 1 + (code >> 3);
  if (code >= 0x80 && code < 0x88) return 5;
  if (code >= 0x88 && code < 0x90) return 6;
  return code >= 0x90 && code < 0xa0 ? 2 + ((bytes[at + 1] ?? 0) & 0x3f) : 1;
}
