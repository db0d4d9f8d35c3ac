import type { PurgeTarget } from './purge-marks.core.ts';

/** One purge as a journal keeps it; without a target, only how far the generations have come. */
export interface PurgeEntry {
  readonly target: PurgeTarget | undefined;
  readonly soft: boolean;
  readonly generation: number;
  readonly atMs: number;
}

export class PurgeEntryError extends Error {}

const kinds = ['none', 'all', 'key', 'label', 'prefix', 'pattern', 'path'] as const;
/** Length of the entry (4), kind, mode, generation (8), time (8). */
const headBytes = 22;
const noLabel = -1;

function payloadOf(target: PurgeTarget | undefined): { readonly numbers: readonly number[]; readonly text?: string } {
  switch (target?.kind) {
    case undefined:
    case 'all':
      return { numbers: [] };
    case 'key':
    case 'path':
      return { numbers: [target.id] };
    case 'label':
      return { numbers: [target.label] };
    case 'prefix':
      return { numbers: [target.id, target.length] };
    case 'pattern':
      return { numbers: [target.label ?? noLabel], text: target.pattern };
  }
}

export function encodePurgeEntry({ target, soft, generation, atMs }: PurgeEntry): Uint8Array {
  const { numbers, text } = payloadOf(target);
  const tail = text === undefined ? undefined : new TextEncoder().encode(text);
  const bytes = new Uint8Array(headBytes + numbers.length * 8 + (tail?.length ?? 0));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length);
  view.setUint8(4, kinds.indexOf(target?.kind ?? 'none'));
  view.setUint8(5, soft ? 1 : 0);
  view.setFloat64(6, generation);
  view.setFloat64(14, atMs);
  numbers.forEach((value, at) => view.setFloat64(headBytes + at * 8, value));
  if (tail !== undefined) bytes.set(tail, headBytes + numbers.length * 8);
  return bytes;
}

function decodeOne(bytes: Uint8Array): PurgeEntry {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const number = (at: number): number => {
    if (headBytes + at * 8 + 8 > bytes.length) throw new PurgeEntryError('An entry is too short for its kind.');
    return view.getFloat64(headBytes + at * 8);
  };
  const kind: (typeof kinds)[number] | undefined = kinds[view.getUint8(4)];
  if (kind === undefined) throw new PurgeEntryError('An entry is of no kind that is known here.');
  const entry = { soft: view.getUint8(5) === 1, generation: view.getFloat64(6), atMs: view.getFloat64(14) };
  if (!Number.isSafeInteger(entry.generation)) throw new PurgeEntryError('An entry has no generation.');
  switch (kind) {
    case 'none':
      return { ...entry, target: undefined };
    case 'all':
      return { ...entry, target: { kind } };
    case 'key':
    case 'path':
      return { ...entry, target: { kind, id: number(0) } };
    case 'label':
      return { ...entry, target: { kind, label: number(0) } };
    case 'prefix':
      return { ...entry, target: { kind, id: number(0), length: number(1) } };
    case 'pattern': {
      const label = number(0);
      const pattern = new TextDecoder().decode(bytes.subarray(headBytes + 8));
      return { ...entry, target: { kind, pattern, label: label === noLabel ? undefined : label } };
    }
  }
}

/** @throws PurgeEntryError */
export function* decodePurgeEntries(bytes: Uint8Array): Iterable<PurgeEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const length = at + headBytes <= bytes.length ? view.getUint32(at) : 0;
    if (length < headBytes || at + length > bytes.length) throw new PurgeEntryError('An entry is cut off.');
    yield decodeOne(bytes.subarray(at, at + length));
    at += length;
  }
}
