import { decodePlaces, readFrames, RecordIndex, type Checksum } from '#core/edge-store';
import type { KeptLedger } from './disk-tier.ts';
import { frameKinds } from './journal.ts';
import { decodeNames, type NameLists } from './name-lists.ts';
import { segmentNumber } from './segments.ts';
import type { FolderEntry, StoreFolder } from './store-folder.ts';

export interface LoadInit {
  readonly folder: StoreFolder;
  readonly index: RecordIndex;
  readonly names: NameLists;
  readonly checksum: Checksum;
  readonly ledger: KeptLedger;
}

export interface Loaded {
  readonly storeId: string;
  /** In the order of their numbers. */
  readonly segments: readonly (readonly [number: number, bytes: number])[];
  /** The greatest number that a journal has. */
  readonly journals: number;
}

interface Parsed {
  storeId: string | undefined;
  ended: boolean;
}

const version = 1;

export function headerOf(storeId: string): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version, storeId }));
}

export const snapshotName = (number: number): string => `snapshot-${number}`;
export const journalName = (number: number): string => `journal-${number}`;

/** The files of one kind by number, the smallest first. */
export function numbered(files: readonly FolderEntry[], kind: 'snapshot' | 'journal'): number[] {
  const numbers: number[] = [];
  for (const { name } of files) {
    const match = new RegExp(`^${kind}-(\\d{1,10})$`).exec(name);
    if (match !== null) numbers.push(Number(match[1]));
  }
  return numbers.sort((a, b) => a - b);
}

/** Reads a whole file. */
async function bytesOf(folder: StoreFolder, { bytes: size, name }: FolderEntry): Promise<Uint8Array> {
  const file = await folder.open(name);
  try {
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, await file.read(bytes, 0));
  } finally {
    await file.close();
  }
}

class Loader {
  readonly #init: LoadInit;
  readonly #goneSegments = new Set<number>();
  storeId: string | undefined;

  constructor(init: LoadInit) {
    this.#init = init;
  }

  /** Applies the frames of one file; false when they are not what this store wrote. */
  apply(bytes: Uint8Array, whole: boolean): boolean {
    const parsed: Parsed = { storeId: undefined, ended: false };
    const state = readFrames(bytes, this.#init.checksum, (kind, payload) => this.#frame(kind, payload, parsed));
    if (state === 'damaged' || (whole && !(state === 'whole' && parsed.ended))) return false;
    // A journal that ended before its first frame was written says nothing, and nobody was told anything by it.
    if (parsed.storeId === undefined) return bytes.length === 0 || state === 'torn';
    this.storeId ??= parsed.storeId;
    return this.storeId === parsed.storeId;
  }

  /** Forgets what lies in segments that are gone, or beyond their ends. */
  tidy(sizes: ReadonlyMap<number, number>): void {
    const { index } = this.#init;
    index.sweep(0, index.capacity, (segment, offset, length) => this.#goneSegments.has(segment) || offset + length > (sizes.get(segment) ?? 0));
  }

  #frame(kind: number, payload: Uint8Array, parsed: Parsed): void {
    const { index, ledger, names } = this.#init;
    switch (kind) {
      case frameKinds.header:
        parsed.storeId = idIn(payload);
        return;
      case frameKinds.places:
        return decodePlaces(payload, (place) => {
          if (!index.full) index.put(place);
        });
      case frameKinds.gone:
        return decodePlaces(payload, (place) => void index.remove(place));
      case frameKinds.keyGone:
        return decodePlaces(payload, ({ hash }) => void index.removeKey(hash));
      case frameKinds.allGone:
        return index.clear();
      case frameKinds.segmentGone:
        this.#goneSegments.add(Number(new TextDecoder().decode(payload)));
        return;
      case frameKinds.names:
        return names.take(...decodeNames(payload));
      case frameKinds.ledger:
        return ledger.restore(payload);
      case frameKinds.end:
        parsed.ended = true;
    }
  }
}

function idIn(payload: Uint8Array): string | undefined {
  const header = JSON.parse(new TextDecoder().decode(payload)) as { version?: unknown; storeId?: unknown };
  return header.version === version && typeof header.storeId === 'string' ? header.storeId : undefined;
}

/** Fills index and ledger from the newest snapshot and the journals since; undefined when what is there cannot be relied on. */
export async function loadStore(init: LoadInit): Promise<Loaded | undefined> {
  const files = await init.folder.list();
  const snapshot = numbered(files, 'snapshot').at(-1);
  if (snapshot === undefined) return undefined;
  const journals = numbered(files, 'journal').filter((number) => number >= snapshot);
  // One that is missing took purges along.
  if (journals.length === 0 || journals.some((number, at) => number !== snapshot + at)) return undefined;
  const loader = new Loader(init);
  const entry = (name: string): FolderEntry => files.find((file) => file.name === name) as FolderEntry;
  try {
    if (!loader.apply(await bytesOf(init.folder, entry(snapshotName(snapshot))), true)) return undefined;
    for (const number of journals) {
      if (!loader.apply(await bytesOf(init.folder, entry(journalName(number))), false)) return undefined;
    }
  } catch {
    // A file that cannot be read, or a purge that nobody understands, is as good as lost.
    return undefined;
  }
  if (loader.storeId === undefined) return undefined;
  const segments = files.flatMap(({ bytes, name }) => {
    const number = segmentNumber(name);
    return number === undefined ? [] : [[number, bytes] as const];
  });
  segments.sort(([a], [b]) => a - b);
  loader.tidy(new Map(segments));
  return { storeId: loader.storeId, segments, journals: journals.at(-1) as number };
}
