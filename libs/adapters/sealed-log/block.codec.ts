import { endianness } from 'node:os';
import type { LogRecord, StoredRecord } from '#events';
import { assert } from '#kernel';

/**
 * Records of one partition, one behind the other, in columns: each kind of thing compresses best among its own.
 *
 *     block   = head names offsets times sets keys headers values text
 *     head    = 8 numbers (uint32): records, 1 if all text is ASCII, bytes of names, of all keys, of all headers, of all values, 0, 0;
 *               offset before the first record (float64), time of the first record (float64, ms since the Unix epoch)
 *     names   = JSON array of arrays of header names, filled up with spaces to a multiple of 8
 *     times   = per record float64: its time less that of the one before
 *     offsets = per record uint32: its offset less that of the one before
 *     sets    = per record uint32: which header names it has, from 1; 0: its headers are JSON
 *     keys, headers, values = per record uint32: bytes in UTF-8
 *     text    = all keys, all headers (values with U+001F between), all values, in UTF-8
 *
 * Little-endian. What is read back is what the log held, to the character: the ledger's hash of a record does not change.
 */
const headBytes = 48;
const separator = '\u001f';

type Headers = LogRecord['headers'];

assert(endianness() === 'LE', 'blocks are little-endian, as every machine that we run on');

/** Gives each list of header names a number, from 1. */
class NameSets {
  readonly lists: string[][] = [];
  readonly #numbers = new Map<string, number>();

  numberOf(names: string[]): number {
    const key = names.join(separator);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.lists.push(names);
    this.#numbers.set(key, this.lists.length);
    return this.lists.length;
  }
}

function headersText(headers: Headers, sets: NameSets): { readonly set: number; readonly text: string } {
  const names = Object.keys(headers);
  const values = names.map((name) => headers[name] as string);
  const isPlain = names.length > 0 && !values.some((value) => value.includes(separator)) && !names.some((name) => name.includes(separator));
  return isPlain ? { set: sets.numberOf(names), text: values.join(separator) } : { set: 0, text: JSON.stringify(headers) };
}

interface Column {
  readonly bytes: Buffer;
  readonly lengths: Uint32Array;
  readonly isAscii: boolean;
}

function columnOf(texts: readonly string[]): Column {
  const joined = texts.join('');
  const bytes = Buffer.from(joined, 'utf8');
  const isAscii = bytes.length === joined.length;
  return { bytes, isAscii, lengths: Uint32Array.from(texts, (text) => (isAscii ? text.length : Buffer.byteLength(text))) };
}

/** @param records at least one, in the order of their offsets */
export function encodeBlock(records: readonly StoredRecord[]): Buffer {
  const [first] = records;
  assert(first !== undefined, 'a block holds at least one record');
  const sets = new NameSets();
  const heads = records.map(({ headers }) => headersText(headers, sets));
  const columns = [columnOf(records.map(({ key }) => key)), columnOf(heads.map(({ text }) => text)), columnOf(records.map(({ value }) => value))];
  const offsets = Uint32Array.from(records, ({ offset }, at) => Number(offset - (at === 0 ? first.offset - 1n : (records[at - 1] as StoredRecord).offset)));
  const times = Float64Array.from(records, ({ recordedAt }, at) => recordedAt - (at === 0 ? first : (records[at - 1] as StoredRecord)).recordedAt);
  const names = namesBytes(sets);
  const head = Buffer.alloc(headBytes);
  const isAscii = columns.every((column) => column.isAscii);
  [records.length, isAscii ? 1 : 0, names.length, ...columns.map(({ bytes }) => bytes.length)].forEach((number, at) => head.writeUInt32LE(number, at * 4));
  head.writeDoubleLE(Number(first.offset) - 1, 32);
  head.writeDoubleLE(first.recordedAt, 40);
  const numbers = [times, offsets, Uint32Array.from(heads, ({ set }) => set), ...columns.map(({ lengths }) => lengths)];
  return Buffer.concat([head, names, ...numbers.map(({ buffer }) => new Uint8Array(buffer)), ...columns.map(({ bytes }) => bytes)]);
}

function namesBytes(sets: NameSets): Buffer {
  const text = JSON.stringify(sets.lists);
  const bytes = Buffer.byteLength(text);
  return Buffer.from(text + ' '.repeat((8 - (bytes % 8)) % 8));
}

interface NameSet {
  readonly names: readonly string[];
  /** All names, without values: a copy of it gets its shape at once. */
  readonly template: Headers;
  /** Bytes that the names add to a record, less the separators that its text holds. */
  readonly extraBytes: number;
}

function nameSet(names: readonly string[]): NameSet {
  const extraBytes = names.reduce((sum, name) => sum + Buffer.byteLength(name), 0) - (names.length - 1);
  return { names, template: Object.fromEntries(names.map((name) => [name, ''])), extraBytes };
}

/** Where each text of a column begins, and where the last one ends. */
function startsOf(lengths: Uint32Array, from: number): Uint32Array {
  const starts = new Uint32Array(lengths.length + 1);
  let at = from;
  for (let number = 0; number < lengths.length; number++) {
    starts[number] = at;
    at += lengths[number] as number;
  }
  starts[lengths.length] = at;
  return starts;
}

/** A block that was read: its records are made when they are asked for. */
export class Block {
  readonly count: number;
  readonly sizeBytes: number;
  readonly #partition: number;
  readonly #bytes: Buffer;
  readonly #isAscii: boolean;
  readonly #sets: readonly NameSet[];
  readonly #offsets: Float64Array;
  readonly #times: Float64Array;
  readonly #set: Uint32Array;
  readonly #keys: Uint32Array;
  readonly #headers: Uint32Array;
  readonly #values: Uint32Array;

  /**
   * @param given not changed afterwards by anybody
   * @throws RangeError or SyntaxError when these are not the bytes of a block
   */
  constructor(given: Buffer, partition: number) {
    // Numbers stand at multiples of 8 of the block, which may stand anywhere in its memory.
    const bytes = given.byteOffset % 8 === 0 ? given : Buffer.from(new Uint8Array(given).buffer);
    const field = (at: number): number => bytes.readUInt32LE(at * 4);
    this.count = field(0);
    this.#partition = partition;
    this.sizeBytes = bytes.length;
    this.#bytes = bytes;
    this.#isAscii = field(1) === 1;
    let at = headBytes + field(2);
    const lists = JSON.parse(bytes.toString('utf8', headBytes, at)) as string[][];
    this.#sets = lists.map(nameSet);
    this.#times = summed(new Float64Array(bytes.buffer, bytes.byteOffset + at, this.count), bytes.readDoubleLE(40));
    at += this.count * 8;
    const numbers = (): Uint32Array => new Uint32Array(bytes.buffer, bytes.byteOffset + at, this.count);
    const next = (): Uint32Array => {
      const found = numbers();
      at += this.count * 4;
      return found;
    };
    this.#offsets = summed(next(), bytes.readDoubleLE(32));
    this.#set = next();
    const [keys, headers, values] = [next(), next(), next()];
    this.#keys = startsOf(keys, at);
    this.#headers = startsOf(headers, this.#keys[this.count] as number);
    this.#values = startsOf(values, this.#headers[this.count] as number);
    if (this.#values[this.count] !== bytes.length) throw new RangeError('The lengths of the block do not fit.');
  }

  /** Number of the first record at or behind `offset`; the count of records when there is none. */
  find(offset: bigint): number {
    return firstAtLeast(this.#offsets, Number(offset));
  }

  offsetOf(number: number): bigint {
    return BigInt(this.#offsets[number] as number);
  }

  /** When it was recorded. */
  timeOf(number: number): number {
    return this.#times[number] as number;
  }

  /** Bytes of key, header names, header values and value. */
  bytesOf(number: number): number {
    const size = (starts: Uint32Array): number => (starts[number + 1] as number) - (starts[number] as number);
    const extra = this.#sets[(this.#set[number] as number) - 1]?.extraBytes ?? 0;
    return size(this.#keys) + size(this.#headers) + size(this.#values) + extra;
  }

  record(number: number): StoredRecord {
    return {
      key: this.#text(this.#keys, number),
      headers: this.#headersOf(number),
      value: this.#text(this.#values, number),
      partition: this.#partition,
      offset: BigInt(this.#offsets[number] as number),
      recordedAt: this.#times[number] as number,
    };
  }

  #text(starts: Uint32Array, number: number): string {
    const [from, to] = [starts[number] as number, starts[number + 1] as number];
    return this.#bytes.toString(this.#isAscii ? 'latin1' : 'utf8', from, to);
  }

  #headersOf(number: number): Headers {
    const text = this.#text(this.#headers, number);
    const set = this.#set[number] as number;
    if (set === 0) return JSON.parse(text) as Headers;
    const { names, template } = this.#sets[set - 1] as NameSet;
    const values = text.split(separator);
    const headers: Record<string, string> = { ...template };
    for (let at = 0; at < names.length; at++) headers[names[at] as string] = values[at] as string;
    return headers;
  }
}

function summed(steps: Uint32Array | Float64Array, from: number): Float64Array {
  const sums = new Float64Array(steps.length);
  let sum = from;
  for (let at = 0; at < steps.length; at++) {
    sum += steps[at] as number;
    sums[at] = sum;
  }
  return sums;
}

function firstAtLeast(numbers: Float64Array, least: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) >= least) high = middle;
    else low = middle + 1;
  }
  return low;
}
