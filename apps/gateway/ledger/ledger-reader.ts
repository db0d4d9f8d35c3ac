import { ledgerGap, nodeLedgerHash, originOf, verifyEd25519, type LedgerGap } from '#adapters/ledger';
import {
  formatVerifierKey,
  hashBytes,
  idTimeMs,
  inclusionRanges,
  printedAt,
  readKeyList,
  rootsOf,
  sameHash,
  tileWidth,
  type Proof,
  type SizedTile,
} from '#core/ledger';
import { asWritten, contexts, type StoredRecord } from '#events';
import { hashLeaf, type SealedEventLog } from '#adapters/sealed-log';
import { hasCode, OperatingError } from '#kernel';
import type { EventIndex, LedgerCheckpoint, LedgerEvidence, LedgerPartition, LedgerProgress, LedgerStore, LedgerTreeAt, PartitionHead } from '#ports';
import { pause } from '#runtime';
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
  /** Some records of the log are neither in the ledger nor in the index yet: it may be among them. */
  | { readonly kind: 'not-known-yet' }
  /** What the log holds now is not what was signed. */
  | { readonly kind: 'altered'; readonly at: LedgerPartition & { readonly offset: bigint } };

export interface LedgerReaderDeps {
  readonly store: LedgerStore;
  readonly log: SealedEventLog;
  /** Knows of events sooner than the ledger. */
  readonly index: Pick<EventIndex, 'find' | 'positions'>;
  readonly now: () => number;
  /** How long an id that nobody knows is waited for while there is something on the log that nobody has looked at, ms. */
  readonly unseenWaitMs?: number;
}

/** Where a partition ended. */
interface LogEnd extends LedgerPartition {
  readonly high: bigint;
}

/** Evidence of a leaf that is there. */
interface Placed {
  readonly place: NonNullable<LedgerEvidence['place']>;
}

const listKeptMs = 5000;
/** The index takes in what comes every 250 ms. */
const unseenWaitMsDefault = 1500;
const unseenLookMs = 50;
/** Tiles that may hold an id: one per partition, and a few more whose ids do not follow the time. */
const candidatesMax = 1000;

/**
 * Reads the audit ledger: what is served as it is, and proofs made of it. Records are read past every cache, for what a
 * process remembers proves nothing about what is stored.
 */
export class LedgerReader {
  readonly #store: LedgerStore;
  readonly #sealedLog: SealedEventLog;
  readonly #index: LedgerReaderDeps['index'];
  readonly #now: () => number;
  readonly #unseenWaitMs: number;
  #list: { readonly note: string; readonly name: string; readonly keys: readonly string[]; readonly untilMs: number } | undefined;

  constructor({ store, log, index, now, unseenWaitMs = unseenWaitMsDefault }: LedgerReaderDeps) {
    this.#store = store;
    this.#sealedLog = log;
    this.#index = index;
    this.#now = now;
    this.#unseenWaitMs = unseenWaitMs;
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

  /** The signed list of all trees; undefined before the first. */
  treeList(): Promise<string | undefined> {
    return this.#store.treeList();
  }

  /** Whether a name and partition are those of one of the ledger's trees, as it is since it was begun anew. */
  async isTree(name: string, { topic, partition, beginsAt = 0n }: LedgerTreeAt): Promise<boolean> {
    if (!contexts.some((context) => context === topic) || !Number.isInteger(partition) || (await this.identity())?.name !== name) return false;
    return ((await this.#progress({ topic, partition }))?.beginsAt ?? 0n) === beginsAt;
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

  /** Trees that stand still because the log no longer holds what comes next in them. */
  async gaps(): Promise<readonly LedgerGap[]> {
    const trees = await this.#store.progress();
    const heads = new Map<string, readonly PartitionHead[]>();
    for (const topic of new Set(trees.map((tree) => tree.topic))) heads.set(topic, await this.#headsOf(topic));
    return trees.flatMap((tree) => ledgerGap(tree, heads.get(tree.topic)?.[tree.partition] ?? { low: 0n }) ?? []);
  }

  async witnesses(): Promise<readonly { readonly edgeId: string; readonly verifierKey: string }[]> {
    return this.#store.witnesses();
  }

  /** The records of a tile of level 0; undefined when there is no such tile. */
  async records(at: LedgerPartition, index: number): Promise<readonly LeafRecord[] | undefined> {
    const [progress, place] = await Promise.all([this.#progress(at), this.#store.place(at, index)]);
    return progress === undefined || place === undefined
      ? undefined
      : leafRecords(at, place, progress, { log: this.#sealedLog.asStored(), store: this.#store });
  }

  /** Whether retention has removed all records of a tile of level 0. */
  async isRemoved(at: LedgerPartition, index: number): Promise<boolean> {
    const [progress, next, beginning] = await Promise.all([this.#progress(at), this.#store.place(at, index + 1), this.beginning(at)]);
    const last = next === undefined ? progress?.lastOffset : next.firstOffset - 1n;
    return last !== undefined && last < beginning;
  }

  /** Whether the log begins later than retention has noted: something else took its beginning away. */
  async hasLostBeginning({ topic, partition }: LedgerPartition): Promise<boolean> {
    const log = this.#sealedLog.asStored();
    const low = (await log.heads(topic))[partition]?.low ?? 0n;
    return low > (await log.sealed(topic, partition)).floor;
  }

  /** Before which offset retention has removed a partition; 0 also when something else has, for then it is missing. */
  async beginning(at: LedgerPartition): Promise<bigint> {
    const low = (await this.#sealedLog.asStored().heads(at.topic))[at.partition]?.low ?? 0n;
    return low === 0n || (await this.hasLostBeginning(at)) ? 0n : low;
  }

  async #progress({ topic, partition }: LedgerPartition): Promise<LedgerProgress | undefined> {
    return (await this.#store.progress()).find((tree) => tree.topic === topic && tree.partition === partition);
  }

  /** Proves the record at a place of the log. */
  async proveAt(at: LedgerPartition, offset: bigint): Promise<ProofAnswer> {
    const answer = await this.#proveAt(at, offset);
    // While it was looked for, the ledger may have taken it in: then it is neither there in what was read first, nor still to come.
    return answer.kind === 'unknown' ? this.#proveAt(at, offset) : answer;
  }

  async #proveAt(at: LedgerPartition, offset: bigint): Promise<ProofAnswer> {
    const [evidence, record] = await Promise.all([this.#store.evidence(at, { offset }), this.#recordAt(at, offset)]);
    if (evidence.place === undefined || record === undefined) return this.#absent(at, offset);
    return this.#prove(at, { ...evidence, place: evidence.place }, record);
  }

  /** Undefined when the log has none there, any more or yet. */
  async #recordAt({ topic, partition }: LedgerPartition, offset: bigint): Promise<StoredRecord | undefined> {
    try {
      const { records } = await this.#sealedLog.asStored().read(topic, partition, offset, { recordsMax: 1, bytesMax: 1, waitMs: 0 });
      const found = records.find((record) => record.offset === offset);
      return found === undefined ? undefined : asWritten(found);
    } catch (error) {
      if (hasCode(error, 'OFFSET_OUT_OF_RANGE') || hasCode(error, 'TOPIC_UNKNOWN')) return undefined;
      throw error;
    }
  }

  async #absent(at: LedgerPartition, offset: bigint): Promise<ProofAnswer> {
    const head = (await this.#sealedLog.heads(at.topic))[at.partition];
    const progress = await this.#progress(at);
    const isNew = head !== undefined && offset < head.high && offset >= (progress?.position ?? 0n);
    return { kind: isNew ? 'not-signed-yet' : 'unknown' };
  }

  /**
   * Proves the event of that id. Whoever has just published it may ask sooner than anybody has looked at it: what is on the log
   * when an unknown id is asked for is waited for.
   */
  async proveEvent(id: string): Promise<ProofAnswer> {
    const answer = await this.#proveEvent(id);
    if (answer.kind !== 'unknown') return answer;
    if (!(await this.#untilSeen(await this.#heads()))) return { kind: 'not-known-yet' };
    return this.#proveEvent(id);
  }

  async #heads(): Promise<readonly LogEnd[]> {
    const heads = await Promise.all(contexts.map(async (topic) => (await this.#headsOf(topic)).map(({ partition, high }) => ({ topic, partition, high }))));
    return heads.flat();
  }

  async #headsOf(topic: string): Promise<readonly PartitionHead[]> {
    try {
      return await this.#sealedLog.heads(topic);
    } catch (error) {
      if (hasCode(error, 'TOPIC_UNKNOWN')) return [];
      throw error;
    }
  }

  /** Until all before these ends is in the ledger or in the index; false when that takes too long. */
  async #untilSeen(ends: readonly LogEnd[]): Promise<boolean> {
    for (let waitedMs = 0; ; waitedMs += unseenLookMs) {
      const [trees, indexed] = await Promise.all([this.#store.progress(), this.#index.positions()]);
      const seen = new Map<string, bigint>();
      for (const { topic, partition, position } of [...trees, ...indexed]) {
        const place = `${topic}/${partition}`;
        if (position > (seen.get(place) ?? 0n)) seen.set(place, position);
      }
      if (ends.every(({ topic, partition, high }) => (seen.get(`${topic}/${partition}`) ?? 0n) >= high)) return true;
      if (waitedMs >= this.#unseenWaitMs) return false;
      await pause(unseenLookMs);
    }
  }

  /** Its time says which tiles may hold it, its print where in them. */
  async #proveEvent(id: string): Promise<ProofAnswer> {
    for (const place of await this.#store.placesAt(idTimeMs(id), candidatesMax)) {
      const at = { topic: place.topic, partition: place.partition };
      for (const slot of printedAt(id, place.idPrints)) {
        // A print that matches is nearly always the record's.
        const [likely, evidence] = await Promise.all([
          this.#withId(id, at, place.firstOffset + BigInt(slot)),
          this.#store.evidence(at, { index: place.index }),
        ]);
        const record = likely ?? (await this.#searched(id, at, place.index));
        if (record !== undefined) return this.#prove(at, { ...evidence, place }, record);
      }
    }
    return this.#proveIndexed(id);
  }

  /** An event that the ledger does not have: it may be on the log already, and be signed within seconds. */
  async #proveIndexed(id: string): Promise<ProofAnswer> {
    for (const { topic, partition, offset } of await this.#index.find([id])) {
      const answer = await this.proveAt({ topic, partition }, offset);
      // What stands there now is another event: the index is of a log that was changed.
      if (answer.kind !== 'unknown' && (answer.kind !== 'proof' || answer.proof.eventId === id)) return answer;
    }
    return { kind: 'unknown' };
  }

  async #withId(id: string, at: LedgerPartition, offset: bigint): Promise<StoredRecord | undefined> {
    const record = await this.#recordAt(at, offset);
    return record?.headers['ce_id'] === id ? record : undefined;
  }

  /** Where offsets have gaps, a record stands further on than its number says. */
  async #searched(id: string, at: LedgerPartition, tile: number): Promise<StoredRecord | undefined> {
    return (await this.records(at, tile))?.find(({ record }) => record.headers['ce_id'] === id)?.record;
  }

  /** The leaf is found by its hash, in the tile where it must be. */
  #prove(at: LedgerPartition, { place, checkpoint, tiles }: LedgerEvidence & Placed, record: StoredRecord): ProofAnswer {
    const hash = new Uint8Array(hashBytes);
    hashLeaf(record, nodeLedgerHash, hash);
    const held = new Map(tiles.map((tile) => [`${tile.level}/${tile.index}`, tile.hashes]));
    const slot = slotOf(hash, held.get(`0/${place.index}`) ?? new Uint8Array(0), Number(record.offset - place.firstOffset));
    if (slot === undefined) return { kind: 'altered', at: { ...at, offset: record.offset } };
    const index = place.index * tileWidth + slot;
    if (checkpoint === undefined || index >= checkpoint.size) return { kind: 'not-signed-yet' };
    const proof = rootsOf(inclusionRanges(index, checkpoint.size), ({ level, index: of }) => held.get(`${level}/${of}`), nodeLedgerHash);
    if (proof === undefined)
      throw new OperatingError(`The audit ledger of ${at.topic}/${at.partition} lacks tiles.`, { code: 'LEDGER_INCOMPLETE', retryable: false });
    const eventId = record.headers['ce_id'] ?? '';
    return {
      kind: 'proof',
      proof: { ...at, index, offset: record.offset, eventId, leafHash: hash, proof, checkpoint: checkpoint.note, size: checkpoint.size },
    };
  }
}

/** Where a hash stands in a tile: where it should, unless offsets have gaps. */
function slotOf(hash: Uint8Array, hashes: Uint8Array, likely: number): number | undefined {
  const isAt = (slot: number): boolean => sameHash(hashes.subarray(slot * hashBytes, (slot + 1) * hashBytes), hash);
  if (isAt(likely)) return likely;
  for (let slot = 0; slot < hashes.length / hashBytes; slot++) if (isAt(slot)) return slot;
  return undefined;
}
