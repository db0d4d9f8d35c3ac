import type { SealedEventLog, SealedSegment, SegmentSealer } from '#adapters/sealed-log';
import type { StoredRecord } from '#events';
import type { LedgerPartition, LedgerStore, PastCut } from '#ports';
import { LedgerRanges } from './ledger-ranges.ts';
import type { PassedOffsets } from './passed-offsets.ts';
import type { RetentionEvents } from './retention-events.ts';

export interface PartitionRetentionDeps {
  readonly log: SealedEventLog;
  readonly sealer: SegmentSealer;
  readonly ledger: LedgerStore;
  readonly events: RetentionEvents;
  readonly now: () => number;
  /** Has the past of read models folded up to where the log is to be cut; false where that takes longer. */
  readonly foldRest: (cut: PastCut) => Promise<boolean>;
}

export interface SealingPass {
  /** What is older is sealed, ms. */
  readonly hotMs: number;
  readonly passed: PassedOffsets;
  /** Seals however little there is. */
  readonly all: boolean;
  readonly stop: AbortSignal;
}

/** Of one segment: enough to be worth a blob, few enough to be written within seconds and proven within memory. */
const segmentRecordsMax = 200_000;
const segmentCharactersMax = 100_000_000;
/** Fewer records wait for company, but no longer than a tenth of the hot age. */
const segmentRecordsMin = 20_000;
const waitShare = 10;
const one = { recordsMax: 1, bytesMax: 1, waitMs: 0 };

/** Moves the past of one partition to the blob store, and removes it there when it is too old. */
export class PartitionRetention {
  readonly #at: LedgerPartition;
  readonly #deps: PartitionRetentionDeps;
  readonly #ledger: LedgerRanges;

  constructor(at: LedgerPartition, deps: PartitionRetentionDeps) {
    this.#at = at;
    this.#deps = deps;
    this.#ledger = new LedgerRanges(at, deps.ledger);
  }

  /** What an earlier owner had begun: sealed segments are told, and removed from the engine. */
  async finish(): Promise<void> {
    const { topic, partition } = this.#at;
    const { log, events, sealer } = this.#deps;
    const { segments, end } = await log.sealed(topic, partition);
    if (segments.length > 0) {
      const low = (await log.hot.heads(topic))[partition]?.low ?? 0n;
      for (const segment of segments) if (segment.end > low) await events.sealed(segment);
      await sealer.trim(topic, partition, end);
    }
    await log.removeDropped(topic, partition);
  }

  /**
   * Seals what is old enough, read by every read model and signed, and removes it from the engine.
   * @throws OperatingError `LEDGER_MISMATCH`, `LOG_HOLE`, `SEALING_FAILED`: nothing of it was removed; and those of log, store and blobs
   */
  async seal(pass: SealingPass): Promise<readonly SealedSegment[]> {
    const { topic, partition } = this.#at;
    const { sealer, events } = this.#deps;
    const sealed: SealedSegment[] = [];
    while (!pass.stop.aborted) {
      const segment = await this.#sealOne(pass);
      if (segment === undefined) break;
      sealed.push(segment);
      await events.sealed(segment);
      await sealer.trim(topic, partition, segment.end);
    }
    return sealed;
  }

  async #sealOne({ hotMs, passed, all }: SealingPass): Promise<SealedSegment | undefined> {
    const { topic, partition } = this.#at;
    const { log, sealer, now } = this.#deps;
    const before = now() - hotMs;
    const old = await log.hot.offsetAt(topic, partition, before);
    const read = passed.of(this.#at) ?? old;
    const until = read < old ? read : old;
    const next = await sealer.next(topic, partition);
    if (next >= until) return undefined;
    const [checkpoint, first] = [await this.#ledger.checkpoint(), await this.#first(next)];
    if (checkpoint === undefined || first === undefined) return undefined;
    if (!all && until - next < BigInt(segmentRecordsMin) && first.recordedAt > before - hotMs / waitShare) return undefined;
    const last = (await log.sealed(topic, partition)).segments.at(-1);
    // Segments of before the tree was begun anew count leaves of another one.
    const begunAnew = await this.#ledger.isBegunAnew();
    if (begunAnew && !(await this.#ledger.has(first.offset))) return undefined;
    const firstLeaf = last === undefined || begunAnew ? await this.#ledger.leafOf(first) : last.firstLeaf + last.records;
    const recordsMax = Math.min(segmentRecordsMax, checkpoint.size - firstLeaf);
    if (recordsMax <= 0) return undefined;
    const bounds = { until, recordsMax, charactersMax: segmentCharactersMax, nowMs: now() };
    return sealer.seal({ topic, partition, ...bounds, begunAnew, leafOf: async () => firstLeaf, prove: (range) => this.#ledger.prove(range, checkpoint) });
  }

  async #first(from: bigint): Promise<StoredRecord | undefined> {
    const { records } = await this.#deps.log.hot.read(this.#at.topic, this.#at.partition, from, one);
    return records[0];
  }

  /** Removes whole segments that are older than they are kept, for good; not before rows as of a moment can do without them. */
  async expire(keptMs: number): Promise<number> {
    const { topic, partition } = this.#at;
    const { log, events, now } = this.#deps;
    const { segments } = await log.sealed(topic, partition);
    const low = (await log.hot.heads(topic))[partition]?.low ?? 0n;
    const old = segments.filter(({ lastMs, end }) => lastMs < now() - keptMs && end <= low);
    const end = old.at(-1)?.end;
    if (end === undefined || !(await this.#deps.foldRest({ topic, partition, before: end }))) return 0;
    const records = old.reduce((sum, segment) => sum + segment.records, 0);
    await events.removed(this.#at, end, records);
    await log.truncate(topic, partition, end);
    return records;
  }
}
