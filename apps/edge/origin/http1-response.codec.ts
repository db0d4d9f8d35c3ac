import type { Field, Fields } from '#core/http-cache';

/** What of a response is known when its head is. */
export interface Http1Head {
  readonly status: number;
  readonly fields: Fields;
  /** Of the body that follows; undefined while nobody knows it. */
  readonly length: number | undefined;
  /** Whether the body ends with its connection. */
  readonly endsWithConnection: boolean;
}

/**
 * What becomes of the connection behind a response: it can be used for another request, or it ends, or something has come on it already
 * that nobody has asked for.
 */
export type AfterResponse = 'keeps-open' | 'closes' | 'goes-on';

/** Who is told of a response as it comes. */
export interface Http1Sink {
  head(head: Http1Head): void;
  body(bytes: Uint8Array): void;
  end(after: AfterResponse): void;
}

/** The bytes are no response of HTTP/1.1, or end in the middle of one. */
export class Http1Error extends Error {
  override readonly name = 'Http1Error';
  readonly code = 'HTTP1_MALFORMED';
}

/** RFC 9112 section 4. */
const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/;
/** RFC 9110 section 5.1, and RFC 9112 section 5.1: no whitespace before the colon. */
const fieldName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 9110 section 5.5. Lines that end in anything but CRLF leave a part of their end here. */
const illegal = /[^\t\x20-\x7e\x80-\xff]/;
const lengthValue = /^\d{1,15}$/;
/** RFC 9112 section 7.1; up to 4 GiB at once. */
const chunkSize = /^([0-9A-Fa-f]{1,8})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;

const headEnd = '\r\n\r\n';
/** Of the size of a chunk with its extensions, bytes. */
const lineBytesMax = 4096;
/** Of all trailers, which nobody reads, bytes. */
const trailerBytesMax = 64 * 1024;
/** Answers before the answer, such as 103. */
const interimMax = 16;
const lineFeed = 0x0a;

interface Framed extends Omit<Http1Head, 'endsWithConnection'> {
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  readonly keepsOpen: boolean;
}

/**
 * Reads one response of HTTP/1.1 to a request of ours, however its bytes are cut. Strict where two recipients could differ over
 * where a response ends: what is in doubt is no response.
 */
export class Http1Response {
  readonly #method: string;
  readonly #headBytesMax: number;
  readonly #sink: Http1Sink;
  readonly #lines: FieldLines;
  #state: 'head' | 'length' | 'close' | 'size' | 'chunk' | 'chunk-end' | 'trailer' | 'done' = 'head';
  /** The beginning of what is not whole yet: of the head, or of a line. */
  #held: Buffer | undefined;
  /** Of the body or the chunk that is being read. */
  #left = 0;
  #trailerBytes = 0;
  #interim = 0;
  #keepsOpen = false;

  constructor(method: string, headBytesMax: number, sink: Http1Sink, lines: FieldLines) {
    this.#lines = lines;
    this.#method = method;
    this.#headBytesMax = headBytesMax;
    this.#sink = sink;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /** Whether anything of it has come. */
  get begun(): boolean {
    return this.#state !== 'head' || this.#held !== undefined || this.#interim > 0;
  }

  /** @throws Http1Error when this is no response */
  push(bytes: Buffer): void {
    let rest: Buffer | undefined = bytes;
    while (rest !== undefined && rest.length > 0) rest = this.#take(rest);
  }

  /** The connection has ended, in good order. @throws Http1Error when the response had not */
  close(): void {
    if (this.#state === 'done') return;
    if (this.#state !== 'close') throw new Http1Error('The connection ended before the response.');
    this.#end();
  }

  /** @returns what is left; undefined when nothing is */
  #take(bytes: Buffer): Buffer | undefined {
    switch (this.#state) {
      case 'head':
        return this.#takeHead(bytes);
      case 'close':
        this.#sink.body(bytes);
        return undefined;
      case 'length':
      case 'chunk':
        return this.#takeBody(bytes);
      case 'size':
      case 'chunk-end':
      case 'trailer':
        return this.#takeLine(bytes);
      case 'done':
        throw new Http1Error('More came than the response.');
    }
  }

  #takeHead(bytes: Buffer): Buffer | undefined {
    const all = this.#held === undefined ? bytes : Buffer.concat([this.#held, bytes]);
    const from = this.#held === undefined ? 0 : Math.max(0, this.#held.length - headEnd.length);
    const end = all.indexOf(headEnd, from, 'latin1');
    if (end > this.#headBytesMax || (end < 0 && all.length > this.#headBytesMax)) throw new Http1Error(`The head is longer than ${this.#headBytesMax} bytes.`);
    this.#held = end < 0 ? all : undefined;
    // Its end would be waited for until the time is over.
    if (end < 0 && (all.includes('\n\n', 0, 'latin1') || all.includes('\n\r\n', 0, 'latin1')))
      throw new Http1Error('Lines of the head end in a line feed alone.');
    if (end < 0) return undefined;
    return this.#begin(parseHead(all.toString('latin1', 0, end), this.#method, this.#lines), all.subarray(end + headEnd.length));
  }

  /** @returns what is left of what came behind the head */
  #begin(head: Framed | undefined, rest: Buffer): Buffer | undefined {
    if (head === undefined) {
      if (++this.#interim > interimMax) throw new Http1Error('Too many interim responses.');
      return rest;
    }
    const { fields, framing, length, status } = head;
    this.#keepsOpen = head.keepsOpen;
    this.#left = length ?? 0;
    this.#sink.head({ status, fields, length, endsWithConnection: framing === 'close' });
    if (framing === 'none' || (framing === 'length' && length === 0)) {
      this.#end(rest);
      return undefined;
    }
    this.#state = framing === 'chunked' ? 'size' : framing;
    return rest;
  }

  #takeBody(bytes: Buffer): Buffer | undefined {
    const whole = bytes.length >= this.#left;
    const taken = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= taken.length;
    this.#sink.body(taken);
    if (!whole) return undefined;
    const rest = bytes.subarray(taken.length);
    if (this.#state === 'chunk') {
      this.#state = 'chunk-end';
      return rest;
    }
    // What follows was asked for by nobody: it is no part of this answer, and of no other.
    this.#end(rest);
    return undefined;
  }

  #takeLine(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf(lineFeed);
    const part = end < 0 ? bytes : bytes.subarray(0, end + 1);
    const line = this.#held === undefined ? part : Buffer.concat([this.#held, part]);
    if (line.length > lineBytesMax) throw new Http1Error(`A line between chunks is longer than ${lineBytesMax} bytes.`);
    this.#held = end < 0 ? line : undefined;
    if (end < 0) return undefined;
    if (line.at(-2) !== 0x0d) throw new Http1Error('A line between chunks does not end in CRLF.');
    const rest = bytes.subarray(end + 1);
    return this.#line(line.toString('latin1', 0, line.length - 2), rest);
  }

  #line(text: string, rest: Buffer): Buffer | undefined {
    if (this.#state === 'size') {
      const match = chunkSize.exec(text);
      if (match === null) throw new Http1Error('A chunk has no size.');
      this.#left = Number.parseInt(match[1] as string, 16);
      this.#state = this.#left === 0 ? 'trailer' : 'chunk';
    } else if (this.#state === 'chunk-end') {
      if (text !== '') throw new Http1Error('A chunk is longer than it says.');
      this.#state = 'size';
    } else if (text === '') {
      this.#end(rest);
      return undefined;
    } else {
      this.#trailerBytes += text.length + 2;
      if (this.#trailerBytes > trailerBytesMax) throw new Http1Error('The trailers have no end.');
    }
    return rest;
  }

  /** @param rest what came behind it; undefined when the connection has ended */
  #end(rest?: Buffer): void {
    this.#state = 'done';
    if (rest === undefined || !this.#keepsOpen) this.#sink.end('closes');
    else this.#sink.end(rest.length === 0 ? 'keeps-open' : 'goes-on');
  }
}

/** Of those remembered; a longer one is hardly ever said twice, characters. */
const knownCharsMax = 200;
/** Twice as many at most. */
const knownMax = 256;

/** The fields that an origin's lines stand for. Most of its responses say most of them in the same words: those are read once. */
export class FieldLines {
  #young = new Map<string, Field>();
  #old = new Map<string, Field>();

  /** Undefined for a line that goes on with the one before. @throws Http1Error when it is no line of a head */
  field(line: string): Field | undefined {
    const known = this.#young.get(line) ?? this.#old.get(line);
    if (known !== undefined) return known;
    const field = parseField(line);
    if (field === undefined || line.length > knownCharsMax) return field;
    if (this.#young.size >= knownMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(line, field);
    return field;
  }
}

function parseField(line: string): Field | undefined {
  if (illegal.test(line)) throw new Http1Error('A line of the head holds what no field may hold.');
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon));
  return fieldName.test(name) ? [name.toLowerCase(), trimmed(line, colon + 1)] : undefined;
}

/** Undefined for an interim response, after which the head is still to come. */
function parseHead(text: string, method: string, known: FieldLines): Framed | undefined {
  const lines = text.split('\r\n');
  const start = statusLine.exec(lines[0] as string);
  if (start === null || illegal.test(lines[0] as string)) throw new Http1Error('No status line of HTTP/1.1.');
  const status = Number(start[2]);
  const fields: Field[] = [];
  for (let at = 1; at < lines.length; at++) {
    const line = lines[at] as string;
    const field = known.field(line);
    if (field === undefined) unfold(line, fields);
    else fields.push(field);
  }
  if (status >= 100 && status < 200) {
    if (status === 101) throw new Http1Error('The origin switched to a protocol that nobody asked for.');
    return undefined;
  }
  return framed(status, fields, method, start[1] === '1');
}

/** RFC 9112 section 5.2: a folded line, whose fold a proxy replaces by a space. */
function unfold(line: string, fields: Field[]): void {
  const before = line.startsWith(' ') || line.startsWith('\t') ? fields.pop() : undefined;
  if (before === undefined) throw new Http1Error('A line of the head is no field.');
  fields.push([before[0], `${before[1]} ${trimmed(line, 0)}`.trim()]);
}

/** Without the spaces and tabs around it, and those alone. */
function trimmed(line: string, from: number): string {
  let end = line.length;
  while (from < end && isBlank(line.charCodeAt(from))) from++;
  while (from < end && isBlank(line.charCodeAt(end - 1))) end--;
  return line.slice(from, end);
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;

/** RFC 9112 section 6.3: where the response ends. */
function framed(status: number, fields: Field[], method: string, isNewer: boolean): Framed {
  let coding: string | undefined;
  let stated: string | undefined;
  let connection = '';
  for (const [name, value] of fields) {
    if (name === 'transfer-encoding') coding = coding === undefined ? value : `${coding}, ${value}`;
    else if (name === 'content-length') stated = stated === undefined ? value : `${stated}, ${value}`;
    else if (name === 'connection') connection += `${value.toLowerCase()},`;
  }
  const options = connection === '' ? [] : connection.split(',').map((option) => option.trim());
  const keepsOpen = isNewer ? !options.includes('close') : options.includes('keep-alive') && !options.includes('close');
  const length = stated === undefined ? undefined : lengthOf(stated);
  // Some origins send a body all the same (RFC 9112 section 9.3): it would be read as the answer to whoever asks next.
  const isBare = method !== 'HEAD' && coding === undefined && (length ?? 0) === 0;
  if (method === 'HEAD' || status === 204 || status === 304) return { status, fields, length: undefined, framing: 'none', keepsOpen: keepsOpen && isBare };
  if (coding !== undefined) {
    if (!isNewer || coding.toLowerCase() !== 'chunked') throw new Http1Error('A transfer coding that nobody asked for.');
    // Both together are how responses are smuggled: the length counts for nothing, and the connection is used no more.
    const told = length === undefined ? fields : fields.filter(([name]) => name !== 'content-length');
    return { status, fields: told, length: undefined, framing: 'chunked', keepsOpen: keepsOpen && length === undefined };
  }
  if (length !== undefined) return { status, fields, length, framing: 'length', keepsOpen };
  return { status, fields, length: undefined, framing: 'close', keepsOpen: false };
}

/** RFC 9110 section 8.6: the same number several times is that number. */
function lengthOf(value: string): number {
  const [first = '', ...others] = value.split(',').map((one) => one.trim());
  if (!lengthValue.test(first) || others.some((other) => other !== first)) throw new Http1Error('The length of the body is no number.');
  return Number(first);
}
