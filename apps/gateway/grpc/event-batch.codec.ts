import type { Context, StoredRecord } from '#events';

/**
 * The hot path of Subscribe: records of the log as `SubscribeResponse { repeated CloudEvent events = 1; string token = 2;
 * bool live = 3 }` in the protobuf wire format (https://protobuf.dev/programming-guides/encoding), straight from the
 * record's text into one buffer. The generated code would make an object per attribute first.
 */

const tag = { events: 0x0a, token: 0x12, live: 0x18 } as const;
/** Of CloudEvent: id, source, spec_version, type, an entry of the attributes, text_data. */
const field = { id: 0x0a, source: 0x12, specversion: 0x1a, type: 0x22, attribute: 0x2a, text: 0x3a } as const;
/** Of CloudEventAttributeValue. */
const value = { integer: 0x10, string: 0x1a, uri: 0x2a, timestamp: 0x3a } as const;

/** Strings up to here are copied by hand: crossing into native code costs more. Their lengths take one byte. */
const shortMax = 42;
/** Names of attributes that are remembered encoded; publishers may make up as many as they like. */
const namesMax = 512;

interface AttributeName {
  /** `0x0a, length, name`: the key of the map's entry. */
  readonly key: Buffer;
  readonly kind: number;
}

/** Maps, not objects: publishers name attributes, and an object has a `constructor`. */
const fields: ReadonlyMap<string, number> = new Map([
  ['ce_id', field.id],
  ['ce_source', field.source],
  ['ce_specversion', field.specversion],
  ['ce_type', field.type],
]);
const kinds: ReadonlyMap<string, number> = new Map([
  ['time', value.timestamp],
  ['dataschema', value.uri],
]);
const names = new Map<string, AttributeName>();

function nameOf(header: string): AttributeName {
  const known = names.get(header);
  if (known !== undefined) return known;
  const text = Buffer.from(header.startsWith('ce_') ? header.slice(3) : header);
  const made = { key: Buffer.concat([Buffer.of(0x0a, ...varint(text.length)), text]), kind: kinds.get(text.toString()) ?? value.string };
  if (names.size < namesMax) names.set(header, made);
  return made;
}

function varint(number: number): number[] {
  const bytes: number[] = [];
  let rest = number;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return bytes;
}

function varintLength(number: number): number {
  let length = 1;
  for (let rest = number; rest > 127; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** A buffer that grows. */
class Writer {
  bytes: Buffer;
  at = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  reserve(more: number): void {
    if (this.at + more <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + more));
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
  }

  varint(number: number): void {
    let rest = number;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.bytes[this.at++] = (rest % 128) | 128;
    this.bytes[this.at++] = rest;
  }

  copy(source: Buffer, end = source.length): void {
    this.reserve(end);
    source.copy(this.bytes, this.at, 0, end);
    this.at += end;
  }

  /** Tag, length, text. */
  text(tagByte: number, text: string): void {
    if (text.length <= shortMax && this.#short(tagByte, text)) return;
    const length = Buffer.byteLength(text);
    this.reserve(length + 6);
    this.bytes[this.at++] = tagByte;
    this.varint(length);
    this.at += this.bytes.write(text, this.at, length, 'utf8');
  }

  /** False, and nothing written, for text beyond ASCII. */
  #short(tagByte: number, text: string): boolean {
    this.reserve(shortMax + 2);
    const { bytes } = this;
    let at = this.at + 2;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 127) return false;
      bytes[at++] = code;
    }
    bytes[this.at] = tagByte;
    bytes[this.at + 1] = text.length;
    this.at = at;
    return true;
  }
}

/** Holds one event while its length is not known yet. Used by one encoding at a time: nothing in here waits. */
const scratch = new Writer(65_536);
/** Holds one attribute's value. */
const inner = new Writer(4_096);

function attribute(name: AttributeName, text: string): void {
  inner.at = 0;
  if (name.kind !== value.timestamp || !timestamp(Date.parse(text))) inner.text(name.kind === value.timestamp ? value.string : name.kind, text);
  entry(name.key);
}

/** A google.protobuf.Timestamp: seconds = 1, nanos = 2. False when it is no time that has one (year 1 to 9999). */
function timestamp(ms: number): boolean {
  if (!(ms >= 0 && ms < 253_402_300_800_000)) return false;
  const seconds = Math.floor(ms / 1000);
  const nanos = (ms - seconds * 1000) * 1_000_000;
  inner.bytes[inner.at++] = value.timestamp;
  inner.varint((seconds === 0 ? 0 : 1 + varintLength(seconds)) + (nanos === 0 ? 0 : 1 + varintLength(nanos)));
  if (seconds !== 0) {
    inner.bytes[inner.at++] = 0x08;
    inner.varint(seconds);
  }
  if (nanos !== 0) {
    inner.bytes[inner.at++] = 0x10;
    inner.varint(nanos);
  }
  return true;
}

/** An entry of the attributes, whose value is in `inner`. */
function entry(key: Buffer): void {
  const length = key.length + 1 + varintLength(inner.at) + inner.at;
  scratch.reserve(length + 8);
  scratch.bytes[scratch.at++] = field.attribute;
  scratch.varint(length);
  scratch.copy(key);
  scratch.bytes[scratch.at++] = 0x12;
  scratch.varint(inner.at);
  scratch.copy(inner.bytes, inner.at);
}

const added = {
  datacontenttype: nameOf('datacontenttype'),
  topic: nameOf('topic'),
  partition: nameOf('partition'),
  offset: nameOf('offset'),
  recordedtime: { ...nameOf('recordedtime'), kind: value.timestamp },
};

/** Into `scratch`. Attributes in the order of the record's headers, then where the record stands. */
function event(topic: Context, record: StoredRecord): void {
  scratch.at = 0;
  const { headers } = record;
  for (const header in headers) {
    const text = headers[header] as string;
    if (text === '' || !header.startsWith('ce_')) continue;
    const own = fields.get(header);
    if (own === undefined) attribute(nameOf(header), text);
    else scratch.text(own, text);
  }
  attribute(added.datacontenttype, headers['content-type'] ?? 'application/json');
  attribute(added.topic, topic);
  inner.at = 0;
  inner.bytes[inner.at++] = value.integer;
  inner.varint(record.partition);
  entry(added.partition.key);
  attribute(added.offset, record.offset.toString());
  inner.at = 0;
  if (timestamp(record.recordedAt)) entry(added.recordedtime.key);
  scratch.text(field.text, record.value);
}

/** An event as a part of a SubscribeResponse, with tag and length. */
export function encodeEvent(topic: Context, record: StoredRecord): Buffer {
  event(topic, record);
  const out = new Writer(scratch.at + 6);
  out.bytes[out.at++] = tag.events;
  out.varint(scratch.at);
  out.copy(scratch.bytes, scratch.at);
  return out.bytes.subarray(0, out.at);
}

/** Builds one SubscribeResponse. */
export class EventBatch {
  readonly #out: Writer;

  /** @param sizeBytes about what it will hold */
  constructor(sizeBytes: number) {
    this.#out = new Writer(sizeBytes + 512);
  }

  add(topic: Context, record: StoredRecord): void {
    event(topic, record);
    this.#out.reserve(scratch.at + 6);
    this.#out.bytes[this.#out.at++] = tag.events;
    this.#out.varint(scratch.at);
    this.#out.copy(scratch.bytes, scratch.at);
  }

  /** What {@link encodeEvent} answered. */
  addEncoded(encoded: Buffer): void {
    this.#out.copy(encoded);
  }

  /** The finished message. */
  finish(token: string, live: boolean): Buffer {
    this.#out.text(tag.token, token);
    this.#out.reserve(2);
    if (live) {
      this.#out.bytes[this.#out.at++] = tag.live;
      this.#out.bytes[this.#out.at++] = 1;
    }
    return this.#out.bytes.subarray(0, this.#out.at);
  }
}
