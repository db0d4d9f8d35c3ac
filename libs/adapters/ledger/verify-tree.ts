import {
  auditTiles,
  hashBytes,
  LedgerTree,
  originKeys,
  parseCheckpoint,
  parseRecordBytes,
  RecordAudit,
  sameHash,
  signedBy,
  tilesOf,
  wasAt,
  type BundledRecord,
  type Difference,
  type SignedCheckpoint,
  type TileAudit,
  type TreeHead,
  type VerifierKey,
} from '#core/ledger';
import { verifyEd25519 } from './ed25519.ts';
import { heldRecords } from './held-records.ts';
import { nodeLedgerHash } from './node-ledger-hash.ts';
import { originOf } from './ledger-signers.ts';
import { OffsetAudit } from './offset-audit.ts';
import type { RecordSource, SeenCheckpoint, TreeSource } from './tree-source.ts';
import { witnessesLost } from './witnessed.ts';

/** What kind of thing is wrong: a record, or what was said about records. */
export type FindingKind =
  | Difference
  | 'begun-anew'
  | 'checkpoint-damaged'
  | 'checkpoint-unsigned'
  | 'checkpoint-wrong'
  | 'tile-damaged'
  | 'rolled-back'
  | 'forked'
  | 'cosignatures-missing'
  | 'records-damaged'
  | 'records-unknown'
  | 'holding-missing'
  | 'holding-foreign'
  | 'offsets-wrong'
  | 'tree-missing';

export interface Finding {
  readonly kind: FindingKind;
  /** For people. */
  readonly message: string;
  /** Of a record. */
  readonly index?: number;
  readonly offset?: string;
  readonly eventId?: string;
}

export interface TreeReport {
  readonly topic: string;
  readonly partition: number;
  readonly origin: string;
  /** At which offset it begins, where what was before is gone; else 0. */
  readonly beginsAt: string;
  /** Records that the newest checkpoint vouches for. */
  readonly size: number;
  /** Records compared; fewer than the size when retention has removed the first ones, none when there were only hashes. */
  readonly compared: number;
  /** Checkpoints, and what others had seen, that hold. */
  readonly checkpoints: number;
  /** Names of known witnesses that have cosigned the newest checkpoint. */
  readonly cosigners: readonly string[];
  readonly findings: readonly Finding[];
}

export interface Trust {
  /** Name of the ledger. */
  readonly name: string;
  /** Its keys. */
  readonly keys: readonly VerifierKey[];
  readonly witnesses: readonly VerifierKey[];
  /** How many of the witnesses must have cosigned the newest checkpoint. */
  readonly cosignersMin: number;
  /** The tree in the ledger's signed list of trees; undefined for one that is not on it, such as one that began since then. */
  readonly listed?: TreeHead | undefined;
  /** Whether it is said of the whole bundle that it does not say which records it holds. */
  readonly isOld?: boolean;
}

/** Verifies one tree from what was signed down to the last record. */
export async function verifyTree(source: TreeSource, trust: Trust): Promise<TreeReport> {
  return new TreeVerification(source, trust).run();
}

interface Seen extends SignedCheckpoint {
  readonly by: string | undefined;
}

/** What must hold of the tree, and who says so. */
type Head = TreeHead & Pick<Seen, 'by'>;

class TreeVerification {
  readonly #source: TreeSource;
  readonly #trust: Trust;
  readonly #origin: string;
  readonly #findings: Finding[] = [];
  #compared = 0;

  constructor(source: TreeSource, trust: Trust) {
    this.#source = source;
    this.#trust = trust;
    this.#origin = originOf(trust.name, source);
  }

  async run(): Promise<TreeReport> {
    const { topic, partition, beginsAt = 0n, succeededAt, checkpoints, seen } = this.#source;
    const own = checkpoints.flatMap((note) => this.#signed(note));
    const others = seen.flatMap((one) => this.#signed(one.note, one));
    const newest = own.reduce<Seen | undefined>((best, one) => (best === undefined || one.size > best.size ? one : best), undefined);
    const report = { topic, partition, origin: this.#origin, beginsAt: String(beginsAt), findings: this.#findings };
    if (newest === undefined) {
      if (succeededAt !== undefined)
        this.#find(
          'begun-anew',
          `the ledger was begun anew at offset ${succeededAt} since then: nobody can say from it whether what was signed before still holds`,
        );
      else if (checkpoints.length === 0) this.#find('checkpoint-damaged', 'there is no checkpoint');
      return { ...report, size: 0, compared: 0, checkpoints: 0, cosigners: [] };
    }
    const held = await this.#verifyFrom(newest, [...own, ...others]);
    const lost = witnessesLost(this.#source, this.#origin, this.#trust);
    if (lost !== undefined) this.#find('cosignatures-missing', lost);
    return { ...report, size: newest.size, compared: this.#compared, checkpoints: held, cosigners: this.#cosigners(newest) };
  }

  #find(kind: FindingKind, message: string, more: Partial<Finding> = {}): void {
    this.#findings.push({ kind, message: `${this.#source.topic}/${this.#source.partition}: ${message}`, ...more });
  }

  /** A checkpoint that the ledger has signed for this tree; anything else is a finding. */
  #signed(note: string, seen?: SeenCheckpoint): readonly Seen[] {
    const whose = seen === undefined ? 'a checkpoint' : `the checkpoint that ${seen.by} kept`;
    let checkpoint: SignedCheckpoint;
    try {
      checkpoint = parseCheckpoint(note);
    } catch (error) {
      this.#find('checkpoint-damaged', `${whose} is damaged: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
    if (checkpoint.origin !== this.#origin) {
      this.#find('checkpoint-wrong', `${whose} is of another tree: ${checkpoint.origin}`);
      return [];
    }
    const { right, wrong } = signedBy(checkpoint.note, originKeys(this.#trust.keys, this.#origin, nodeLedgerHash), verifyEd25519);
    if (right.length === 0 || wrong.length > 0) {
      this.#find('checkpoint-unsigned', `${whose} of ${checkpoint.size} records is not signed by a key of the ledger`);
      return [];
    }
    return [{ ...checkpoint, by: seen?.by }];
  }

  async #verifyFrom(newest: Seen, all: readonly Seen[]): Promise<number> {
    const { listed } = this.#trust;
    const heads: readonly Head[] = listed === undefined ? [] : [{ ...listed, by: 'the list of trees' }];
    const audit = auditTiles(
      newest.size,
      [...all, ...heads].map(({ size }) => size),
      (at) => this.#source.tile(at),
      nodeLedgerHash,
    );
    for (const tile of audit.broken) this.#find('tile-damaged', `${tile} is missing or not what it must be`);
    const held = all.filter((one) => this.#holds(one, newest, audit)).length;
    for (const head of heads) this.#holds(head, newest, audit);
    await this.#verifyRecords(newest, audit);
    return held;
  }

  #holds(one: Head, newest: Seen, audit: TileAudit): boolean {
    if (one.size > newest.size) {
      this.#find('rolled-back', `${one.by} has seen ${one.size} records signed, but the newest checkpoint here has ${newest.size}: the log was set back`);
      return false;
    }
    if (audit.roots.get(one.size) === undefined || wasAt(audit, one)) return audit.roots.has(one.size);
    if (one.by !== undefined) this.#find('forked', `${one.by} has seen another history: its checkpoint of ${one.size} records has another root`);
    else this.#find('checkpoint-wrong', `the tiles do not give the root that was signed for ${one.size} records`);
    return false;
  }

  /** Records against the leaves, when these are the ones that were signed; else against the signed root itself. */
  async #verifyRecords(newest: Seen, audit: TileAudit): Promise<void> {
    const records = this.#records(newest);
    if (records === undefined) return;
    const complete = [...tilesOf(newest.size)].every((tile) => tile.level > 0 || (this.#source.tile(tile)?.length ?? 0) >= tile.width * hashBytes);
    try {
      if (complete && wasAt(audit, newest)) await this.#compare(newest.size, records);
      else await this.#rebuild(newest, records, complete);
    } catch (error) {
      this.#find('records-damaged', `the records cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Those of a bundle only as far as the ledger says which there are. */
  #records({ size }: Seen): RecordSource | undefined {
    const { copy, records } = this.#source;
    if (copy === undefined) return records;
    const answer = heldRecords(copy, { origin: this.#origin, size, keys: this.#trust.keys });
    if (answer.kind === 'unsaid') {
      if (!this.#trust.isOld) this.#find('holding-missing', answer.why);
      return undefined;
    }
    for (const path of answer.strangers) this.#find('records-unknown', `${path} is none of the files that the ledger has signed that the bundle holds`);
    return answer.records;
  }

  async #compare(size: number, records: RecordSource): Promise<void> {
    const hash = new Uint8Array(hashBytes);
    const places = new OffsetAudit(records.exact);
    let audit = records.firstLeaf === undefined ? undefined : this.#auditFrom(size, records.firstLeaf);
    let [before, first]: [BundledRecord | undefined, BundledRecord | undefined] = [undefined, undefined];
    try {
      for await (const record of records.read()) {
        nodeLedgerHash.bytes(record.leafInput, hash, 0);
        audit ??= this.#auditFrom(size, this.#leafOf(hash, size) ?? 0);
        if (audit.next >= size && first === undefined) return this.#findBehind(size, record, hash);
        places.push(record.offset, audit.next);
        if (audit.push(hash)) this.#compared++;
        else first ??= record;
        if (audit.isOver && (first !== undefined || records.exact === undefined)) break;
        if (first === undefined) before = record;
      }
    } catch (error) {
      // What was seen before says more than what could not be read.
      if (first === undefined) throw error;
    }
    const difference = (audit ?? this.#auditFrom(size, records.firstLeaf ?? 0)).finish();
    if (difference === undefined) {
      const wrong = places.finish();
      if (wrong !== undefined) this.#find('offsets-wrong', wrong.message, { index: wrong.index });
      return;
    }
    const { kind, index } = difference;
    const place = first === undefined ? {} : { offset: String(first.offset), eventId: eventIdOf(first) };
    const where =
      first === undefined
        ? `the log ends ${before === undefined ? 'before its first record' : `after offset ${before.offset}`}`
        : `at offset ${first.offset}, event ${eventIdOf(first)}`;
    this.#find(kind, `record ${index} of the ledger is ${wordOf[kind]}: ${where}`, { index, ...place });
  }

  #auditFrom(size: number, firstLeaf: number): RecordAudit {
    return new RecordAudit(size, (at) => this.#source.tile(at), firstLeaf);
  }

  #findBehind(size: number, record: BundledRecord, hash: Uint8Array): void {
    const kind = this.#leafOf(hash, size) === undefined ? 'inserted' : 'duplicated';
    const what = kind === 'inserted' ? 'one that nobody signed' : 'one that was there before';
    const eventId = eventIdOf(record);
    const message = `behind record ${size - 1} of the ledger, the last one, stands ${what}: at offset ${record.offset}, event ${eventId}`;
    this.#find(kind, message, { index: size, offset: String(record.offset), eventId });
  }

  /** The leaf that a record is; undefined when it is none of them. */
  #leafOf(hash: Uint8Array, size: number): number | undefined {
    for (const tile of tilesOf(size)) {
      if (tile.level > 0) break;
      const hashes = this.#source.tile(tile) ?? new Uint8Array(0);
      for (let at = 0; at < tile.width; at++) if (sameHash(hashes.subarray(at * hashBytes, (at + 1) * hashBytes), hash)) return tile.index * 256 + at;
    }
    return undefined;
  }

  /** The tiles are of no use: do the records alone give the root that was signed? */
  async #rebuild(newest: Seen, records: RecordSource, complete: boolean): Promise<void> {
    if (records.firstLeaf !== 0 && records.firstLeaf !== undefined) return;
    const tree = new LedgerTree(nodeLedgerHash);
    const hash = new Uint8Array(hashBytes);
    for await (const { leafInput } of records.read()) {
      if (tree.size === newest.size) break;
      nodeLedgerHash.bytes(leafInput, hash, 0);
      tree.appendHash(hash);
      tree.takeChanged();
    }
    if (tree.size === newest.size && sameHash(tree.root(), newest.root)) {
      this.#compared = tree.size;
      return;
    }
    if (complete) await this.#compare(newest.size, records);
    else
      this.#find(
        'altered',
        `the ${tree.size} records do not give the root that was signed for ${newest.size}, and without the tiles nobody can tell which one is wrong`,
      );
  }

  #cosigners(newest: Seen): readonly string[] {
    const { right, wrong } = signedBy(newest.note, this.#trust.witnesses, verifyEd25519);
    for (const key of wrong) this.#find('checkpoint-unsigned', `the cosignature of ${key.name} is not right`);
    const names = right.map(({ name }) => name);
    const { cosignersMin } = this.#trust;
    if (names.length < cosignersMin) this.#find('cosignatures-missing', `${names.length} known witnesses have cosigned, ${cosignersMin} are asked for`);
    return names;
  }
}

const wordOf: Readonly<Record<Difference, string>> = {
  altered: 'another one',
  dropped: 'missing; another one stands in its place',
  inserted: 'moved: one that nobody signed stands in its place',
  duplicated: 'moved: one that was there before stands in its place again',
  reordered: 'out of order',
  truncated: 'missing',
};

function eventIdOf({ leafInput }: BundledRecord): string {
  try {
    return parseRecordBytes(leafInput.subarray(1)).headers['ce_id'] ?? 'without an id';
  } catch {
    return 'that cannot be read';
  }
}
