/** One message of a server-sent event stream. */
export interface SseMessage {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** A line or a message longer than this is not ours; the parser gives up instead of growing. */
const lengthMax = 4 * 1024 * 1024;

/**
 * Parses `text/event-stream` as WHATWG HTML section 9.2.6 says, chunk by chunk. Hand-made because the browser's
 * EventSource cannot send an Authorization header.
 */
export class SseParser {
  readonly #lengthMax: number;
  #rest = '';
  #data: string[] = [];
  #dataLength = 0;
  #event = '';
  #id = '';
  /** Id of the last message that was complete, also of one without data: what `Last-Event-ID` has to carry after a break. */
  lastId = '';

  /** @param most characters of a line, and of a message's data */
  constructor(most = lengthMax) {
    this.#lengthMax = most;
  }

  /** Messages completed by this chunk. @throws RangeError when a line or a message has no end. */
  push(chunk: string): SseMessage[] {
    const messages: SseMessage[] = [];
    const text = this.#rest + chunk;
    let start = 0;
    for (let end = nextLineEnd(text, start); end >= 0; end = nextLineEnd(text, start)) {
      this.#line(text.slice(start, end), messages);
      start = end + (text[end] === '\r' && text[end + 1] === '\n' ? 2 : 1);
    }
    this.#rest = text.slice(start);
    if (this.#rest.length + this.#dataLength > this.#lengthMax) throw new RangeError('a server-sent event is too long');
    return messages;
  }

  #line(line: string, messages: SseMessage[]): void {
    if (line === '') return this.#dispatch(messages);
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') {
      this.#data.push(value);
      this.#dataLength += value.length;
    } else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
  }

  #dispatch(messages: SseMessage[]): void {
    this.lastId = this.#id;
    if (this.#data.length > 0) messages.push({ id: this.#id, event: this.#event || 'message', data: this.#data.join('\n') });
    this.#data = [];
    this.#dataLength = 0;
    this.#event = '';
  }
}

/** Index of the next line end; -1 when there is none, or when a final CR may yet be followed by its LF. */
function nextLineEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === 10) return at;
    if (c === 13) return at + 1 < text.length ? at : -1;
  }
  return -1;
}
