import { assert, compareText } from '#kernel';
import { modelLimits, type Likely, type TransitionModel } from './transition-model.ts';

/*
 * model     = "SPFM" %x01 varint(trainedAtMs)
 *             varint(paths) *path varint(audiences) *audience
 * path      = varint(bytes shared with the path before) varint(rest) rest        ; UTF-8, in ascending order
 * audience  = varint(length) UTF-8 varint(rows) *row
 * row       = varint(path) varint(likely) *(varint(path) OCTET)                  ; the share in 255ths
 *
 * Paths are numbered from 0. Varints are LEB128. Nothing follows. Whether the bytes are those that were
 * made is told by the hash that names them.
 */

const magic = [0x53, 0x50, 0x46, 0x4d, 1] as const;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

class Writer {
  readonly #bytes: number[] = [...magic];

  byte(value: number): void {
    this.#bytes.push(value);
  }

  varint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes.push((rest % 0x80) | 0x80);
    this.#bytes.push(rest);
  }

  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    for (const byte of bytes) this.#bytes.push(byte);
  }

  whole(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

class MalformedError extends Error {}

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new MalformedError('no UTF-8', { cause });
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at: number = magic.length;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new MalformedError();
    return byte;
  }

  /** @param most greater ones are none */
  varint(most: number): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (value > most) throw new MalformedError();
      if (byte < 0x80) return value;
      if (factor > most) throw new MalformedError();
    }
  }

  bytes(most: number): Uint8Array {
    const length = this.varint(most);
    if (this.#at + length > this.#bytes.length) throw new MalformedError();
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }
}

function sharedLength(a: Uint8Array, b: Uint8Array): number {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  return at;
}

/** The same model always gives the same bytes. */
export function encodeModel({ rows, trainedAtMs }: TransitionModel): Uint8Array {
  const named = new Set<string>();
  for (const row of rows.values()) for (const [path, likely] of row) for (const one of [path, ...likely.map((next) => next.path)]) named.add(one);
  const paths = [...named].sort(compareText);
  assert(paths.length <= modelLimits.pathsMax && rows.size <= modelLimits.audiencesMax, 'a model is within its bounds');
  const numbers = new Map(paths.map((path, at) => [path, at]));
  const writer = new Writer();
  writer.varint(trainedAtMs);
  writer.varint(paths.length);
  let before: Uint8Array = new Uint8Array(0);
  for (const path of paths) {
    const bytes = encoder.encode(path);
    const shared = sharedLength(before, bytes);
    writer.varint(shared);
    writer.bytes(bytes.subarray(shared));
    before = bytes;
  }
  writer.varint(rows.size);
  for (const [audience, row] of [...rows].sort(([a], [b]) => compareText(a, b))) {
    writer.bytes(encoder.encode(audience));
    writer.varint(row.size);
    for (const [path, likely] of [...row].sort(([a], [b]) => compareText(a, b))) {
      writer.varint(numbers.get(path) as number);
      writer.varint(likely.length);
      for (const next of likely) {
        writer.varint(numbers.get(next.path) as number);
        writer.byte(Math.max(1, Math.min(255, Math.round(next.share * 255))));
      }
    }
  }
  return writer.whole();
}

function readPaths(reader: Reader): readonly string[] {
  const paths: string[] = [];
  let before: Uint8Array = new Uint8Array(0);
  for (let left = reader.varint(modelLimits.pathsMax); left > 0; left--) {
    const shared = reader.varint(before.length);
    const rest = reader.bytes(modelLimits.pathLengthMax * 4);
    const bytes = new Uint8Array(shared + rest.length);
    bytes.set(before.subarray(0, shared));
    bytes.set(rest, shared);
    const path = textOf(bytes);
    if (!path.startsWith('/') || path.length > modelLimits.pathLengthMax) throw new MalformedError();
    paths.push(path);
    before = bytes;
  }
  return paths;
}

/** @param wanted audiences that are kept; the others are read and left */
function readRows(reader: Reader, paths: readonly string[], wanted: (audience: string) => boolean): TransitionModel['rows'] {
  const rows = new Map<string, Map<string, readonly Likely[]>>();
  let transitions = 0;
  const path = (): string => paths[reader.varint(paths.length - 1)] as string;
  for (let left = reader.varint(modelLimits.audiencesMax); left > 0; left--) {
    const audience = textOf(reader.bytes(256));
    const row = new Map<string, readonly Likely[]>();
    for (let rowsLeft = reader.varint(modelLimits.pathsMax); rowsLeft > 0; rowsLeft--) {
      const from = path();
      const followers = reader.varint(modelLimits.followersMax);
      if ((transitions += followers) > modelLimits.transitionsMax) throw new MalformedError();
      row.set(
        from,
        Array.from({ length: followers }, () => ({ path: path(), share: reader.byte() / 255 })),
      );
    }
    if (wanted(audience)) rows.set(audience, row);
  }
  return rows;
}

/** Undefined for bytes that are no model. @param wanted audiences that are kept; all when left out */
export function decodeModel(bytes: Uint8Array, wanted: (audience: string) => boolean = () => true): TransitionModel | undefined {
  if (bytes.length > modelLimits.bytesMax || magic.some((byte, at) => bytes[at] !== byte)) return undefined;
  const reader = new Reader(bytes);
  try {
    const trainedAtMs = reader.varint(Number.MAX_SAFE_INTEGER);
    const rows = readRows(reader, readPaths(reader), wanted);
    return reader.ended ? { trainedAtMs, rows } : undefined;
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
