import type { IncomingEvent } from '#events';

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

/** Reads the protobuf wire format (https://protobuf.dev/programming-guides/encoding). @throws RangeError when it is broken. */
class WireReader {
  readonly #bytes: Buffer;
  readonly end: number;
  at: number;

  constructor(bytes: Buffer, at: number, end: number) {
    if (end > bytes.length) throw new RangeError('a field ends beyond the message');
    this.#bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** As a signed number of 64 bits, exact up to 2^53. */
  varint(): number {
    let value = 0;
    for (let scale = 1, index = 0; index < 7; index++, scale *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    let high = 0n;
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      high |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, high + BigInt(value)));
    }
    throw new RangeError('a number of more than 64 bits');
  }

  /** What a field of type LEN holds. */
  inner(): WireReader {
    const length = this.varint();
    const from = this.at;
    if (length < 0 || from + length > this.end) throw new RangeError('a field ends beyond its message');
    this.at += length;
    return new WireReader(this.#bytes, from, from + length);
  }

  text(): string {
    const { at, end } = this.inner();
    return this.#bytes.toString('utf8', at, end);
  }

  base64(): string {
    const { at, end } = this.inner();
    return this.#bytes.toString('base64', at, end);
  }

  /** Passes over a field that nobody knows. */
  skip(tag: number): void {
    switch (tag & 7) {
      case 0:
        return void this.varint();
      case 1:
        return this.#pass(8);
      case 2:
        return void this.inner();
      case 5:
        return this.#pass(4);
      default:
        throw new RangeError('a field of no known wire type');
    }
  }

  #pass(bytes: number): void {
    this.at += bytes;
    if (this.at > this.end) throw new RangeError('a field ends beyond its message');
  }

  #byte(): number {
    if (this.at >= this.end) throw new RangeError('the message ends within a field');
    return this.#bytes[this.at++] as number;
  }
}

/** @throws RangeError when the bytes are no such message */
export function readIncoming(bytes: Buffer): IncomingBatch {
  const reader = new WireReader(bytes, 0, bytes.length);
  const events: IncomingEvent[] = [];
  let independent = false;
  while (reader.at < reader.end) {
    const tag = reader.varint();
    if (tag === 0x0a) events.push(event(reader.inner()));
    else if (tag === 0x10) independent = reader.varint() !== 0;
    else reader.skip(tag);
  }
  return { events, independent };
}

const fields: Readonly<Record<number, string>> = { 0x0a: 'id', 0x12: 'source', 0x1a: 'specversion', 0x22: 'type' };

function event(reader: WireReader): IncomingEvent {
  const attributes: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  const given: Record<string, string | undefined> = { id: undefined, source: undefined, specversion: undefined, type: undefined };
  let data: IncomingEvent['data'] = { value: undefined };
  while (reader.at < reader.end) {
    const tag = reader.varint();
    const field = fields[tag];
    if (field !== undefined) given[field] = reader.text() || undefined;
    else if (tag === 0x2a) entry(reader.inner(), attributes);
    // Binary and text alike are JSON here, or refused.
    else if (tag === 0x32 || tag === 0x3a) data = { json: reader.text() };
    else if (tag === 0x42) {
      reader.inner();
      data = { value: undefined };
    } else reader.skip(tag);
  }
  // The required attributes are what the fields say, whatever the map holds beside them.
  return { attributes: Object.assign(attributes, given), data };
}

function entry(reader: WireReader, attributes: Record<string, unknown>): void {
  let name = '';
  let value: unknown;
  while (reader.at < reader.end) {
    const tag = reader.varint();
    if (tag === 0x0a) name = reader.text();
    else if (tag === 0x12) value = attribute(reader.inner(), value);
    else reader.skip(tag);
  }
  attributes[name] = value;
}

/** CloudEventAttributeValue: of several, the last counts. */
function attribute(reader: WireReader, before: unknown): unknown {
  let value = before;
  while (reader.at < reader.end) {
    const tag = reader.varint();
    if (tag === 0x08) value = String(reader.varint() !== 0);
    else if (tag === 0x10) value = String(reader.varint() | 0);
    else if (tag === 0x1a || tag === 0x2a || tag === 0x32) value = reader.text();
    else if (tag === 0x22) value = reader.base64();
    else if (tag === 0x3a) value = timestamp(reader.inner());
    else reader.skip(tag);
  }
  return value;
}

function timestamp(reader: WireReader): string {
  let seconds = 0;
  let nanos = 0;
  while (reader.at < reader.end) {
    const tag = reader.varint();
    if (tag === 0x08) seconds = reader.varint();
    else if (tag === 0x10) nanos = reader.varint() | 0;
    else reader.skip(tag);
  }
  const ms = seconds * 1000 + Math.ceil(nanos / 1_000_000);
  return Math.abs(ms) <= timeMsMax ? new Date(ms).toISOString() : `${seconds} s`;
}
