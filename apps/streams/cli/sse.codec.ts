export interface ServerSentEvent {
  readonly id: string | undefined;
  readonly data: string;
}

/** An incremental reader of `text/event-stream` (HTML Living Standard, section 9.2.6), as far as the gateway uses it: `id` and `data`. */
export class SseDecoder {
  readonly #charsMax: number;
  #rest = '';
  #id: string | undefined;
  #data: string[] = [];

  constructor(charsMax = 4 * 1024 * 1024) {
    this.#charsMax = charsMax;
  }

  /** @throws RangeError when one event is longer than the limit. */
  push(text: string): readonly ServerSentEvent[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > this.#charsMax) throw new RangeError('a server-sent event is too long');
    return lines.flatMap((line) => this.#line(line.replace(/\r$/, '')));
  }

  #line(line: string): readonly ServerSentEvent[] {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    if (field === 'id' && !value.includes('\0')) this.#id = value;
    return [];
  }

  #dispatch(): readonly ServerSentEvent[] {
    if (this.#data.length === 0) return [];
    const event = { id: this.#id, data: this.#data.join('\n') };
    this.#data = [];
    return [event];
  }
}
