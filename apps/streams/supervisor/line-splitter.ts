/** Cuts a stream of bytes into lines; a line longer than the limit is cut, so that memory stays bounded. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #charsMax: number;
  readonly #decoder = new TextDecoder();
  #rest = '';

  constructor(onLine: (line: string) => void, charsMax = 64 * 1024) {
    this.#onLine = onLine;
    this.#charsMax = charsMax;
  }

  push(bytes: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#emit(line);
    if (this.#rest.length > this.#charsMax) {
      this.#emit(this.#rest);
      this.#rest = '';
    }
  }

  end(): void {
    if (this.#rest !== '') this.#emit(this.#rest);
    this.#rest = '';
  }

  #emit(line: string): void {
    const text = line.replace(/\r$/, '').slice(0, this.#charsMax);
    if (text !== '') this.#onLine(text);
  }
}
