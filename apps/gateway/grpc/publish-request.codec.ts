import { instantText, type IncomingEvent } from '#events';
import { isAscii, isUtf8 } from 'node:buffer';

/**
 * The hot path of Publish: `PublishRequest { repeated CloudEvent events = 1; bool independent = 2 }` (and
 * `PublishStreamRequest`, which has the events alone) straight to what the intake takes. The generated code makes a message
 * per event and per attribute first.
 */
export interface IncomingBatch {
  readonly events: readonly IncomingEvent[];
  readonly independent: boolean;
}

/** Times beyond these are none that a JavaScript date can hold; the intake refuses them as text. */
const timeMsMax = 8.64e15;

/**
 * Reads the protobuf wire format (https://protobuf.dev/programming-guides/encoding). One reader goes through the whole
 * request; what it is within ends where the caller says. @throws RangeError when the format is broken.
 */
class WireReader {
  readonly #bytes: Buffer;
  /** The whole request as text where it is ASCII, as nearly all are: texts are then parts of it, and nothing is decoded twice. */
  readonly #text: string | undefined;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#text = isAscii(bytes) ? bytes.toString('latin1') : undefined;
  }

  /** As a signed number of 64 bits, exact up to 2^53. */
  varint(end: number): number {
    let value = 0;
    for (let scale = 1, index = 0; index < 7; index++, scale *= 128) {
      const byte = this.#byte(end);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    let high = 0n;
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#byte(end);
      high |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, high + BigInt(value)));
    }
    throw new RangeError('a number of more than 64 bits');
  }

  /** Where the field of type LEN that begins here ends. */
  within(end: number): number {
    const length = this.varint(end);
    const inner = this.at + length;
    if (length < 0 || inner > end) throw new RangeError('a field ends beyond its message');
    return inner;
  }

  text(end: number): string {
    const to = this.within(end);
    const text = this.#text === undefined ? this.#bytes.toString('utf8', this.at, to) : this.#text.slice(this.at, to);
    this.at = to;
    return text;
  }

  /** The data: bytes that are no text are nobody's to guess at. */
  json(end: number): IncomingEvent['data'] {
    if (this.#text !== undefined) return { json: this.text(end) };
    const to = this.within(end);
    const bytes = this.#bytes.subarray(this.at, to);
    this.at = to;
    return isUtf8(bytes) ? { json: bytes.toString('utf8') } : { fault: { field: 'data', message: 'The data is not UTF-8.' } };
  }

  base64(end: number): string {
    const to = this.within(end);
    const text = this.#bytes.toString('base64', this.at, to);
    this.at = to;
    return text;
  }

  /** Passes over a field that nobody knows. */
  skip(tag: number, end: number): void {
    switch (tag & 7) {
      case 0:
        return void this.varint(end);
      case 1:
        return this.#pass(8, end);
      case 2:
        this.at = this.within(end);
        return;
      case 5:
        return this.#pass(4, end);
      default:
        throw new RangeError('a field of no known wire type');
    }
  }

  #pass(bytes: number, end: number): void {
    this.at += bytes;
    if (this.at > end) throw new RangeError('a field ends beyond its message');
  }

  #byte(end: number): number {
    if (this.at >= end) throw new RangeError('the message ends within a field');
    return this.#bytes[this.at++] as number;
  }
}

/** @throws RangeError when the bytes are no such message */
export function readIncoming(bytes: Buffer): IncomingBatch {
  const reader = new WireReader(bytes);
  const end = bytes.length;
  const events: IncomingEvent[] = [];
  let independent = false;
  while (reader.at < end) {
    const tag = reader.varint(end);
    if (tag === 0x0a) events.push(event(reader, reader.within(end)));
    else if (tag === 0x10) independent = reader.varint(end) !== 0;
    else reader.skip(tag, end);
  }
  return { events, independent };
}

/** An object made by these names at once; with names that come one by one it would be a table, which all who read it pay for. */
class Attributes {
  [name: string]: unknown;
  id: string | undefined = undefined;
  source: string | undefined = undefined;
  specversion: string | undefined = undefined;
  type: string | undefined = undefined;
  time: unknown = undefined;
  dataschema: unknown = undefined;
}

function event(reader: WireReader, end: number): IncomingEvent {
  const attributes = new Attributes();
  let [id, source, specversion, type] = ['', '', '', ''];
  let data: IncomingEvent['data'] = { value: undefined };
  while (reader.at < end) {
    const tag = reader.varint(end);
    if (tag === 0x0a) id = reader.text(end);
    else if (tag === 0x12) source = reader.text(end);
    else if (tag === 0x1a) specversion = reader.text(end);
    else if (tag === 0x22) type = reader.text(end);
    else if (tag === 0x2a) entry(reader, reader.within(end), attributes);
    // Binary and text alike are JSON here, or refused.
    else if (tag === 0x32 || tag === 0x3a) data = reader.json(end);
    else if (tag === 0x42) {
      reader.skip(tag, end);
      data = { value: undefined };
    } else reader.skip(tag, end);
  }
  // The required attributes are what the fields say, whatever the map holds beside them.
  attributes.id = id || undefined;
  attributes.source = source || undefined;
  attributes.specversion = specversion || undefined;
  attributes.type = type || undefined;
  return { attributes, data };
}

function entry(reader: WireReader, end: number, attributes: Attributes): void {
  let name = '';
  let value: unknown;
  while (reader.at < end) {
    const tag = reader.varint(end);
    if (tag === 0x0a) name = reader.text(end);
    else if (tag === 0x12) value = attribute(reader, reader.within(end), value);
    else reader.skip(tag, end);
  }
  // The one name whose assignment would not make a member, which then nobody would refuse.
  if (name === '__proto__') Object.defineProperty(attributes, name, { value, enumerable: true });
  else attributes[name] = value;
}

/** CloudEventAttributeValue: of several, the last counts. */
function attribute(reader: WireReader, end: number, before: unknown): unknown {
  let value = before;
  while (reader.at < end) {
    const tag = reader.varint(end);
    if (tag === 0x08) value = String(reader.varint(end) !== 0);
    else if (tag === 0x10) value = String(reader.varint(end) | 0);
    else if (tag === 0x1a || tag === 0x2a || tag === 0x32) value = reader.text(end);
    else if (tag === 0x22) value = reader.base64(end);
    else if (tag === 0x3a) value = timestamp(reader, reader.within(end));
    else reader.skip(tag, end);
  }
  return value;
}

function timestamp(reader: WireReader, end: number): string {
  let seconds = 0;
  let nanos = 0;
  while (reader.at < end) {
    const tag = reader.varint(end);
    if (tag === 0x08) seconds = reader.varint(end);
    else if (tag === 0x10) nanos = reader.varint(end) | 0;
    else reader.skip(tag, end);
  }
  const ms = seconds * 1000 + Math.ceil(nanos / 1_000_000);
  return Math.abs(ms) <= timeMsMax ? instantText(ms) : `${seconds} s`;
}
