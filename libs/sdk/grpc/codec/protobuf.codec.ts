/*
 * The protobuf wire format (https://protobuf.dev/programming-guides/encoding), as much as CloudEvents need: a message is a
 * sequence of fields; a field is a varint of `number << 3 | wire type`, then a varint (0), 8 bytes (1), a varint of a length and
 * as many bytes (2), or 4 bytes (5).
 */
export const wire = { varint: 0, bytes: 2 } as const;

/** Texts up to here are copied by hand: crossing into native code costs more. */
const shortMax = 48;

/** Writes fields into one growing buffer. */
export class ProtobufWriter {
  #bytes: Buffer;
  #at = 0;

  constructor(size = 65_536) {
    this.#bytes = Buffer.allocUnsafe(size);
  }

  /** A copy of what was written; the writer is empty then. */
  take(): Buffer {
    const bytes = Buffer.from(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
    return bytes;
  }

  varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#bytes[this.#at++] = (rest % 128) | 128;
    this.#bytes[this.#at++] = rest;
  }

  number(field: number, value: number): void {
    this.varint(field * 8 + wire.varint);
    this.varint(value);
  }

  text(field: number, text: string): void {
    this.varint(field * 8 + wire.bytes);
    if (text.length <= shortMax && this.#ascii(text)) return;
    const length = Buffer.byteLength(text);
    this.varint(length);
    this.#reserve(length);
    this.#at += this.#bytes.write(text, this.#at, 'utf8');
  }

  /** A message within the message. Its length goes in front, so it is moved by as many bytes as the length takes beyond one. */
  message(field: number, write: () => void): void {
    this.varint(field * 8 + wire.bytes);
    this.#reserve(6);
    const start = ++this.#at;
    write();
    const length = this.#at - start;
    let more = 0;
    for (let rest = length; rest > 127; rest = Math.floor(rest / 128)) more++;
    if (more > 0) {
      this.#reserve(more);
      this.#bytes.copyWithin(start + more, start, this.#at);
    }
    this.#at = start - 1;
    this.varint(length);
    this.#at = start + more + length;
  }

  /** False, and nothing written, for text beyond ASCII. */
  #ascii(text: string): boolean {
    this.#reserve(shortMax + 1);
    let at = this.#at + 1;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 127) return false;
      this.#bytes[at++] = code;
    }
    this.#bytes[this.#at] = text.length;
    this.#at = at;
    return true;
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + more));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}

/** Reads the fields of one message. @throws RangeError when the bytes are none. */
export class ProtobufReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;
  #wire = 0;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  /** Number of the next field; 0 at the end. Its value is to be read, or skipped. */
  next(): number {
    if (this.#at >= this.#end) return 0;
    const tag = this.varint();
    this.#wire = tag & 7;
    return Math.floor(tag / 8);
  }

  /** A number of up to 53 bits; what is larger loses its last digits. */
  varint(): number {
    let value = 0;
    for (let scale = 1; this.#at < this.#end; scale *= 128) {
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new RangeError('a number is cut off');
  }

  text(): string {
    const end = this.#length();
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end;
    return text;
  }

  /** A view, not a copy. */
  bytes(): Buffer {
    const end = this.#length();
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  /** A reader of the message within. */
  message(): ProtobufReader {
    const end = this.#length();
    const reader = new ProtobufReader(this.#bytes, this.#at, end);
    this.#at = end;
    return reader;
  }

  skip(): void {
    if (this.#wire === wire.varint) this.varint();
    else if (this.#wire === wire.bytes) this.#at = this.#length();
    else if (this.#wire === 1) this.#at += 8;
    else if (this.#wire === 5) this.#at += 4;
    else throw new RangeError(`wire type ${this.#wire} is none`);
    if (this.#at > this.#end) throw new RangeError('a field is cut off');
  }

  #length(): number {
    const length = this.varint();
    const end = this.#at + length;
    if (end > this.#end) throw new RangeError('a field is cut off');
    return end;
  }
}
