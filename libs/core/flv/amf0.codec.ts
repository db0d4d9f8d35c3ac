import { amfDepthMax, amfValuesMax, type AmfObject, type AmfValue } from './amf.types.ts';
import { readAmf3Value } from './amf3.codec.ts';
import { ByteWriter } from './byte-writer.core.ts';
import { FlvError } from './errors.ts';

/** Type markers, AMF 0 specification (2007) section 2.1. */
const marker = {
  number: 0x00,
  boolean: 0x01,
  string: 0x02,
  object: 0x03,
  null: 0x05,
  undefined: 0x06,
  ecmaArray: 0x08,
  objectEnd: 0x09,
  strictArray: 0x0a,
  date: 0x0b,
  longString: 0x0c,
  unsupported: 0x0d,
  xmlDocument: 0x0f,
  typedObject: 0x10,
  avmPlusObject: 0x11,
} as const;

const decoder = new TextDecoder('utf-8');

class AmfReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #values = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.#bytes.length) throw new FlvError('AMF_INVALID', `An AMF value ends after its message, at byte ${at}.`);
    this.#at = at + count;
    return at;
  }

  #uint16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  #text(length: number): string {
    const at = this.#take(length);
    return decoder.decode(this.#bytes.subarray(at, at + length));
  }

  value(depth: number): AmfValue {
    if (depth > amfDepthMax) throw new FlvError('AMF_TOO_LARGE', `An AMF value nests deeper than ${amfDepthMax}.`);
    if (++this.#values > amfValuesMax) throw new FlvError('AMF_TOO_LARGE', `An AMF message has more than ${amfValuesMax} values.`);
    const type = this.#bytes[this.#take(1)] as number;
    switch (type) {
      case marker.number:
        return this.#view.getFloat64(this.#take(8));
      case marker.boolean:
        return this.#bytes[this.#take(1)] !== 0;
      case marker.string:
        return this.#text(this.#uint16());
      case marker.longString:
      case marker.xmlDocument:
        return this.#text(this.#uint32());
      case marker.null:
        return null;
      case marker.undefined:
      case marker.unsupported:
        return undefined;
      case marker.object:
        return this.#object(depth);
      case marker.typedObject:
        this.#text(this.#uint16());
        return this.#object(depth);
      case marker.ecmaArray:
        // The count is a hint that encoders get wrong; the end marker is what counts.
        this.#uint32();
        return this.#object(depth);
      case marker.strictArray:
        return this.#array(depth);
      case marker.date: {
        const time = this.#view.getFloat64(this.#take(8));
        this.#take(2);
        return time;
      }
      case marker.avmPlusObject:
        return this.#amf3();
      default:
        throw new FlvError('AMF_INVALID', `AMF 0 has no type 0x${type.toString(16)} here.`);
    }
  }

  /** One value in AMF 3; then AMF 0 goes on (Enhanced RTMP v2, "Important AMF3-encoded Historical Specification Clarification"). */
  #amf3(): AmfValue {
    const { value, end, values } = readAmf3Value(this.#bytes, this.#at, amfValuesMax - this.#values);
    this.#at = end;
    this.#values += values;
    return value;
  }

  #object(depth: number): AmfObject {
    const object = Object.create(null) as Record<string, AmfValue>;
    for (;;) {
      const name = this.#text(this.#uint16());
      if (name === '' && this.#bytes[this.#at] === marker.objectEnd) {
        this.#at += 1;
        return object;
      }
      object[name] = this.value(depth + 1);
    }
  }

  #array(depth: number): readonly AmfValue[] {
    const count = this.#uint32();
    if (count > amfValuesMax) throw new FlvError('AMF_TOO_LARGE', `An AMF array claims ${count} values.`);
    const array: AmfValue[] = [];
    for (let i = 0; i < count; i++) array.push(this.value(depth + 1));
    return array;
  }
}

/**
 * Decodes the AMF 0 values that fill `bytes`, one after the other.
 * @throws FlvError `AMF_INVALID` or `AMF_TOO_LARGE`.
 */
export function decodeAmf0(bytes: Uint8Array): AmfValue[] {
  const reader = new AmfReader(bytes);
  const values: AmfValue[] = [];
  while (!reader.done) values.push(reader.value(0));
  return values;
}

function encodeEntries(writer: ByteWriter, object: AmfObject): void {
  for (const [name, value] of Object.entries(object)) {
    encodeText(writer, name);
    encodeValue(writer, value);
  }
  writer.uint16(0).uint8(marker.objectEnd);
}

function encodeText(writer: ByteWriter, value: string): void {
  const text = new TextEncoder().encode(value);
  writer.uint16(text.length).bytes(text);
}

function encodeString(writer: ByteWriter, value: string): void {
  const text = new TextEncoder().encode(value);
  if (text.length > 0xffff) writer.uint8(marker.longString).uint32(text.length).bytes(text);
  else writer.uint8(marker.string).uint16(text.length).bytes(text);
}

function encodeValue(writer: ByteWriter, value: AmfValue): void {
  if (value === null) writer.uint8(marker.null);
  else if (value === undefined) writer.uint8(marker.undefined);
  else if (typeof value === 'number') writer.uint8(marker.number).float64(value);
  else if (typeof value === 'boolean') writer.uint8(marker.boolean).uint8(value ? 1 : 0);
  else if (typeof value === 'string') encodeString(writer, value);
  else if (Array.isArray(value)) {
    writer.uint8(marker.strictArray).uint32(value.length);
    for (const item of value as readonly AmfValue[]) encodeValue(writer, item);
  } else {
    writer.uint8(marker.object);
    encodeEntries(writer, value as AmfObject);
  }
}

/** Encodes values one after the other, as commands and data messages carry them. */
export function encodeAmf0(...values: readonly AmfValue[]): Uint8Array {
  const writer = new ByteWriter();
  for (const value of values) encodeValue(writer, value);
  return writer.take();
}

/** Encodes `name` followed by an ECMA array, the shape of `onMetaData` in FLV files (FLV specification 10.1, E.5). */
export function encodeAmf0Script(name: string, properties: AmfObject): Uint8Array {
  const writer = new ByteWriter();
  encodeString(writer, name);
  writer.uint8(marker.ecmaArray).uint32(Object.keys(properties).length);
  encodeEntries(writer, properties);
  return writer.take();
}
