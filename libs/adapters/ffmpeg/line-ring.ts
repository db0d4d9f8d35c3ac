const linesMax = 50;
const lineCharsMax = 500;

/** The last lines of a log that arrives in chunks: bounded, whatever is written to it. */
export class LineRing {
  readonly #lines: string[] = [];
  readonly #ignored: RegExp;
  #open = '';

  /** @param ignored lines that mean nothing */
  constructor(ignored: RegExp = /^$/) {
    this.#ignored = ignored;
  }

  push(text: string): void {
    const lines = (this.#open + text).split(/\r?\n|\r/);
    this.#open = (lines.pop() ?? '').slice(0, lineCharsMax);
    for (const line of lines) this.#add(line);
  }

  /** Newest last; an unfinished line counts. */
  lines(): readonly string[] {
    return this.#open === '' ? [...this.#lines] : [...this.#lines, this.#open].slice(-linesMax);
  }

  #add(line: string): void {
    if (line === '' || this.#ignored.test(line)) return;
    // Programs write what they like; U+0000 has no place in an event.
    this.#lines.push(line.slice(0, lineCharsMax).replaceAll('\0', '\uFFFD'));
    if (this.#lines.length > linesMax) this.#lines.shift();
  }
}
