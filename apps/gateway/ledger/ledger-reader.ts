import { nodeLedgerHash, originOf, verifyEd25519 } from '#adapters/ledger';
import {
  formatVerifierKey,
  hashBytes,
  hashRecord,
  idTimeMs,
  inclusionRanges,
  parseCheckpoint,
  printedAt,
  readKeyList,
  rootsOf,
  tilesFor,
  tileWidth,
  type Proof,
  type SizedTile,
} from '#core/ledger';
import { contexts } from '#events';
import type { EventLog, LedgerCheckpoint, LedgerPartition, LedgerProgress, LedgerStore } from '#ports';
import { leafRecords, type LeafRecord } from './leaf-records.ts';

/** A record and the proof that it is in a signed tree. */
export interface RecordProof extends LedgerPartition {
  readonly index: number;
  readonly offset: bigint;
  readonly eventId: string;
  readonly leafHash: Uint8Array;
  readonly proof: Proof;
  /** The signed note of the tree. */
  readonly checkpoint: string;
  readonly size: number;
}

/** Why there is no proof. */
export type ProofAnswer =
  | { readonly kind: 'proof'; readonly proof: RecordProof }
  /** Nobody knows of such a record. */
  | { readonly kind: 'unknown' }
  /** It is on the log, and will be signed within seconds. */
  | { readonly kind: 'not-signed-yet' }
  /** What the log holds now is not what was signed. */
  | { readonly kind: 'altered'; readonly at: LedgerPartition & { readonly offset: bigint } };

const listKeptMs = 5000;
/** Tiles that may hold an id: one per partition, and a few more whose ids do not follow the time. */
const candidatesMax = 1000;

/** Reads the audit ledger: what is served as it is, and proofs made of it. */
export class LedgerReader {
  readonly #store: LedgerStore;
  readonly #log: EventLog;
  readonly #now: () => number;
  #list: { readonly note: string; readonly name: string; readonly keys: readonly string[]; readonly untilMs: number } | undefined;

  constructor(store: LedgerStore, log: EventLog, now: () => number) {
    this.#store = store;
    this.#log = log;
    this.#now = now;
  }

  /** Name and keys of the ledger; undefined before its first checkpoint. */
  async identity(): Promise<{ readonly note: string; readonly name: string; readonly keys: readonly string[] } | undefined> {
    if (this.#list !== undefined && this.#now() < this.#list.untilMs) return this.#list;
    const note = await this.#store.keyList();
    if (note === undefined) return undefined;
    const keys = readKeyList(note, [], nodeLedgerHash, verifyEd25519);
    this.#list = { note, name: keys[0]?.name ?? '', keys: keys.map(formatVerifierKey), untilMs: this.#now() + listKeptMs };
    return this.#list;
  }

  /** Whether a name and partition are those of one of the ledger's trees. */
  async isTree(name: string, { topic, partition }: LedgerPartition): Promise<boolean> {
    return contexts.some((context) => context === topic) && Number.isInteger(partition) && (await this.identity())?.name === name;
  }

  checkpoint(at: LedgerPartition): Promise<LedgerCheckpoint | undefined> {
    return this.#store.checkpoint(at);
  }

  checkpoints(at: LedgerPartition, limit: number): Promise<readonly LedgerCheckpoint[]> {
    return this.#store.checkpoints(at, limit);
  }

  /** A tile as wide as it is asked for; undefined when it is not there, or not as wide yet. */
  async tile(at: LedgerPartition, { level, index, width }: SizedTile): Promise<Uint8Array | undefined> {
    const [tile] = await this.#store.tiles(at, [{ level, index }]);
    return tile === undefined || tile.width < width ? undefined : tile.hashes.subarray(0, width * hashBytes);
  }

  async trees(): Promise<ReadonlyArray<LedgerProgress & { readonly origin: string; readonly checkpoint: string | undefined; readonly signedSize: number }>> {
    const name = (await this.identity())?.name ?? '';
    const trees = await this.#store.progress();
    return Promise.all(
      trees.map(async (tree) => {
        const checkpoint = await this.#store.checkpoint(tree);
        return { ...tree, origin: originOf(name, tree), checkpoint: checkpoint?.note, signedSize: checkpoint?.size ?? 0 };
      }),
    );
  }

  async witnesses(): Promise<readonly { readonly edgeId: string; readonly verifierKey: string }[]> {
    return this.#store.witnesses();
  }

  /** The records of a tile of level 0; undefined when there is no such tile. */
  async records(at: LedgerPartition, index: number): Promise<readonly LeafRecord[] | undefined> {
    const [progress, place] = await Promise.all([this.#progress(at), this.#store.place(at, index)]);
    return progress === undefined || place === undefined ? undefined : leafRecords(at, place, progress, { log: this.#log, store: this.#store });
  }

  async #progress({ topic, partition }: LedgerPartition): Promise<LedgerProgress | undefined> {
    return (await this.#store.progress()).find((tree) => tree.topic === topic && tree.partition === partition);
  }

  /** Proves the record at a place of the log. */
  async proveAt(at: LedgerPartition, offset: bigint): Promise<ProofAnswer> {
    const place = await this.#store.placeOf(at, offset);
    const found = (place === undefined ? [] : ((await this.records(at, place.index)) ?? [])).find(({ record }) => record.offset === offset);
    return found === undefined ? this.#absent(at, offset) : this.#prove(at, found);
  }

  async #absent(at: LedgerPartition, offset: bigint): Promise<ProofAnswer> {
    const head = (await this.#log.heads(at.topic))[at.partition];
    const progress = await this.#progress(at);
    const isNew = head !== undefined && offset < head.high && offset >= (progress?.position ?? 0n);
    return { kind: isNew ? 'not-signed-yet' : 'unknown' };
  }

  /** Proves the event of that id: its time says which tiles may hold it, its print where in them. */
  async proveEvent(id: string): Promise<ProofAnswer> {
    for (const place of await this.#store.placesAt(idTimeMs(id), candidatesMax)) {
      const slots = printedAt(id, place.idPrints);
      if (slots.length === 0) continue;
      const records = (await this.records(place, place.index)) ?? [];
      const found = records.find(({ index, record }) => slots.includes(index % tileWidth) && record.headers['ce_id'] === id);
      if (found !== undefined) return this.#prove({ topic: place.topic, partition: place.partition }, found);
    }
    return { kind: 'unknown' };
  }

  async #prove(at: LedgerPartition, { index, record }: LeafRecord): Promise<ProofAnswer> {
    const checkpoint = await this.#store.checkpoint(at);
    if (checkpoint === undefined || index >= checkpoint.size) return { kind: 'not-signed-yet' };
    const { size } = checkpoint;
    const ranges = inclusionRanges(index, size);
    const leafTile = { level: 0, index: Math.floor(index / tileWidth) };
    const tiles = new Map((await this.#store.tiles(at, [...tilesFor(ranges, size), leafTile])).map((tile) => [`${tile.level}/${tile.index}`, tile.hashes]));
    const leafHash = new Uint8Array(hashBytes);
    hashRecord(record, nodeLedgerHash, leafHash, 0);
    const proof = rootsOf(ranges, ({ level, index: of }) => tiles.get(`${level}/${of}`), nodeLedgerHash);
    const signed = tiles.get(`0/${leafTile.index}`)?.subarray((index % tileWidth) * hashBytes, ((index % tileWidth) + 1) * hashBytes);
    if (proof === undefined || signed === undefined || !Buffer.from(leafHash).equals(signed)) return { kind: 'altered', at: { ...at, offset: record.offset } };
    const eventId = record.headers['ce_id'] ?? '';
    return {
      kind: 'proof',
      proof: { ...at, index, offset: record.offset, eventId, leafHash, proof, checkpoint: checkpoint.note, size: parseCheckpoint(checkpoint.note).size },
    };
  }
}
