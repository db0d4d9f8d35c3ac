import { amfDepthMax, type AmfObject, type AmfValue } from './amf.types.ts';
import { FlvError } from './errors.ts';

/** Type markers, AMF 3 specification (2013) section 3.1. */
const marker = {
  undefined: 0x00,
  null: 0x01,
  false: 0x02,
  true: 0x03,
  integer: 0x04,
  double: 0x05,
  string: 0x06,
  xmlDocument: 0x07,
  date: 0x08,
  array: 0x09,
  object: 0x0a,
  xml: 0x0b,
  byteArray: 0x0c,
} as const;

interface Traits {
  readonly dynamic: boolean;
  readonly names: readonly string[];
}

const decoder = new TextDecoder('utf-8');

/** One value with its tables of references, which live as long as the value. */
class Amf3Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #valuesMax: number;
  readonly #strings: string[] = [];
  readonly #objects: AmfValue[] = [];
  readonly #traits: Traits[] = [];
  at: number;
  values = 0;

  constructor(bytes: Uint8Array, at: number, valuesMax: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#valuesMax = valuesMax;
    this.at = at;
  }

  #take(count: number): number {
    const { at } = this;
    if (at + count > this.#bytes.length) throw new FlvError('AMF_INVALID', `An AMF 3 value ends after its message, at byte ${at}.`);
    this.at = at + count;
    return at;
  }

  /** U29: seven bits a byte, eight in the fourth (section 1.3.1). */
  #uint29(): number {
    let value = 0;
    for (let i = 0; i < 3; i++) {
      const byte = this.#bytes[this.#take(1)] as number;
      value = (value << 7) | (byte & 0x7f);
      if (byte < 0x80) return value;
    }
    return (value << 8) | (this.#bytes[this.#take(1)] as number);
  }

  #count(values = 1): void {
    this.values += values;
    if (this.values > this.#valuesMax) throw new FlvError('AMF_TOO_LARGE', 'An AMF 3 value has too many parts.');
  }

  value(depth: number): AmfValue {
    if (depth > amfDepthMax) throw new FlvError('AMF_TOO_LARGE', `An AMF value nests deeper than ${amfDepthMax}.`);
    this.#count();
    const type = this.#bytes[this.#take(1)] as number;
    switch (type) {
      case marker.undefined:
        return undefined;
      case marker.null:
        return null;
      case marker.false:
      case marker.true:
        return type === marker.true;
      case marker.integer:
        // 29 bits with a sign.
        return (this.#uint29() << 3) >> 3;
      case marker.double:
        return this.#view.getFloat64(this.#take(8));
      case marker.string:
        return this.#string();
      default:
        return this.#complex(type, depth);
    }
  }

  /** What can be referred to: a number whose lowest bit says whether the thing itself follows. */
  #complex(type: number, depth: number): AmfValue {
    const known: readonly number[] = [marker.xmlDocument, marker.xml, marker.date, marker.byteArray, marker.array, marker.object];
    if (!known.includes(type)) throw new FlvError('AMF_INVALID', `AMF 3 has no type 0x${type.toString(16)} here.`);
    const head = this.#uint29();
    if ((head & 1) === 0) return this.#referred(this.#objects, head >> 1);
    switch (type) {
      case marker.array:
        return this.#array(head >> 1, depth);
      case marker.object:
        return this.#object(head, depth);
      case marker.date:
        return this.#keep(this.#view.getFloat64(this.#take(8)));
      case marker.byteArray: {
        this.#count(head >> 1);
        const at = this.#take(head >> 1);
        return this.#keep([...this.#bytes.subarray(at, this.at)]);
      }
      default:
        return this.#keep(this.#text(head >> 1));
    }
  }

  #referred<T>(table: readonly T[], index: number): T {
    if (index >= table.length) throw new FlvError('AMF_INVALID', `An AMF 3 value refers to number ${index}, which is not there.`);
    return table[index] as T;
  }

  #keep<T extends AmfValue>(value: T): T {
    this.#objects.push(value);
    return value;
  }

  #text(length: number): string {
    const at = this.#take(length);
    return decoder.decode(this.#bytes.subarray(at, at + length));
  }

  /** Section 3.8; the empty string is never referred to. */
  #string(): string {
    const head = this.#uint29();
    if ((head & 1) === 0) return this.#referred(this.#strings, head >> 1);
    const text = this.#text(head >> 1);
    if (text !== '') this.#strings.push(text);
    return text;
  }

  /** Section 3.11: named entries, then those by number. With names it becomes an object. */
  #array(count: number, depth: number): AmfValue {
    this.#count(count);
    const named = Object.create(null) as Record<string, AmfValue>;
    const list: AmfValue[] = [];
    const place = this.#objects.push(list) - 1;
    this.#dynamic(named, depth);
    for (let i = 0; i < count; i++) list.push(this.value(depth + 1));
    if (Object.keys(named).length === 0) return list;
    list.forEach((value, index) => (named[index] = value));
    this.#objects[place] = named;
    return named;
  }

  /** Section 3.12. */
  #object(head: number, depth: number): AmfObject {
    const traits = this.#readTraits(head);
    const object = this.#keep(Object.create(null) as Record<string, AmfValue>);
    for (const name of traits.names) object[name] = this.value(depth + 1);
    if (traits.dynamic) this.#dynamic(object, depth);
    return object;
  }

  #readTraits(head: number): Traits {
    if ((head & 2) === 0) return this.#referred(this.#traits, head >> 2);
    if ((head & 4) !== 0) throw new FlvError('AMF_INVALID', 'An externalizable AMF 3 object has a form of its own, which is not known here.');
    const count = head >> 4;
    this.#count(count);
    this.#string();
    const traits = { dynamic: (head & 8) !== 0, names: Array.from({ length: count }, () => this.#string()) };
    this.#traits.push(traits);
    return traits;
  }

  #dynamic(object: Record<string, AmfValue>, depth: number): void {
    for (;;) {
      const name = this.#string();
      if (name === '') return;
      object[name] = this.value(depth + 1);
    }
  }
}

/**
 * One AMF 3 value at `at`: where it ends, and how many values it counts for.
 * @throws FlvError `AMF_INVALID` or `AMF_TOO_LARGE`.
 */
export function readAmf3Value(bytes: Uint8Array, at: number, valuesMax: number): { readonly value: AmfValue; readonly end: number; readonly values: number } {
  const reader = new Amf3Reader(bytes, at, valuesMax);
  const value = reader.value(0);
  return { value, end: reader.at, values: reader.values };
}
