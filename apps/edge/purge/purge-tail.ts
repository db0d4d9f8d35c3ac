import {
  decodeEvent,
  EventInvalidError,
  isDirect,
  purgeApplied,
  purgeCounted,
  purgeCountRequested,
  purgeRequested,
  warmFinished,
  warmRequested,
  topicPartitions,
  type DraftOf,
  type EventOf,
  type StoredRecord,
} from '#events';
import { hasCode } from '#kernel';
import type { EventLog, Position } from '#ports';
import type { FactCause, Health, Logger } from '#runtime';
import { readPatiently } from '../read-patiently.ts';
import type { OffsetsFile } from '../state/offsets.file.ts';
import type { SharedPurges } from '../shared-tier/shared-purges.ts';
import type { PurgeJournal } from './purge-journal.ts';
import type { PurgeDone, PurgeOrder, Purger } from './purger.ts';

export const purgeTopic = 'cache';

export interface PurgeTailInit {
  readonly edgeId: string;
  /** How long one read waits for something new, ms. */
  readonly waitMs: number;
}

export interface PurgeTailDeps {
  readonly log: EventLog;
  readonly purger: Purger;
  readonly offsets: OffsetsFile;
  /** Where objects outlive the process. */
  readonly journal?: Pick<PurgeJournal, 'flush' | 'storeId'> | undefined;
  /** Where what other edges keep is judged by the places of purges on the log. */
  readonly shared?: SharedPurges | undefined;
  readonly logger: Logger;
  readonly now: () => number;
  /** Appends the acknowledgements of one tenant's purges durably. Retries by itself; what it throws is not to be retried. */
  readonly acknowledge: (applied: readonly DraftOf<typeof purgeApplied>[], tenant: string, causes: readonly FactCause[]) => Promise<void>;
  /** Told of each dry run: what it would hit is counted and said beside the reading. */
  readonly onCountRequested: (event: EventOf<typeof purgeCountRequested>) => void;
  /** Told of each part of a warming. */
  readonly onWarmRequested?: ((event: EventOf<typeof warmRequested>, place: Position) => void) | undefined;
  /** Resolves when what was told of warmings is written down: then the offsets may be. */
  readonly warmsKept?: (() => Promise<void>) | undefined;
  /** Told of a failure after which the edge must not go on. */
  readonly onFatal: (error: unknown) => void;
  readonly health?: Health;
}

/** Acknowledged purges that may wait for the log before the tail waits for them. */
const acknowledgementsWaitingMax = 10_000;
const readLimits = { recordsMax: 1000, bytesMax: 4 * 1024 * 1024 };

interface Acknowledgement {
  readonly partition: number;
  readonly next: bigint;
  readonly applied: readonly AppliedPurge[];
}

interface AppliedPurge {
  readonly tenant: string;
  /** The purge, and the request that it was asked for with. */
  readonly cause: FactCause;
  readonly fact: DraftOf<typeof purgeApplied>;
}

/**
 * Follows the purges on the log, each partition from the edge's own stored offset. A purge is applied the moment it is
 * read; then it is acknowledged on the log; only then is the offset stored. After a crash in between it is applied and
 * acknowledged again, which changes nothing.
 */
export class PurgeTail {
  readonly #init: PurgeTailInit;
  readonly #deps: PurgeTailDeps;
  /** Read and applied up to here. */
  readonly #position: bigint[] = [];
  /** Which log it is that all this is about. */
  #identity: string | undefined;
  /** Acknowledged up to here: what is stored. */
  readonly #settled: bigint[] = [];
  /** When each partition was last known to be read to its end, ms. */
  readonly #atHeadMs: number[] = [];
  /** The least of them: looked at by every request, so it is not computed there. */
  #knownUntilMs = 0;
  /** Of purges whose last part is still to come: the objects so far. */
  readonly #objects = new Map<string, number>();
  #acknowledgements: Acknowledgement[] = [];
  #waiting = 0;
  #settling: Promise<void> | undefined;

  constructor(init: PurgeTailInit, deps: PurgeTailDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  /** Since when purges may have been missed at worst: the oldest time at which a partition was read to its end, ms. */
  get knownUntilMs(): number {
    return this.#knownUntilMs;
  }

  get positions(): readonly bigint[] {
    return this.#position;
  }

  /** The name of the log that all this is about. */
  get log(): string | undefined {
    return this.#identity;
  }

  /** How far the purges are read, and of which log. */
  get mark(): { readonly log: string; readonly positions: readonly string[] } | undefined {
    return this.#identity === undefined ? undefined : { log: this.#identity, positions: this.#position.map(String) };
  }

  /** Reads up to what was on the log when this was called; nothing may be served before. Waits for the log however long it takes. */
  async catchUp(signal: AbortSignal): Promise<void> {
    await readPatiently({ signal, logger: this.#deps.logger, complaint: 'the log cannot be read; the edge waits for it before it serves' }, async () => {
      await this.#deps.log.ensureTopic(purgeTopic, topicPartitions);
      await this.#start();
      const goals = (await this.#deps.log.heads(purgeTopic)).map((head) => head.high);
      await Promise.all(goals.map((goal, partition) => this.#readTo(partition, goal)));
    });
  }

  /** Follows the log until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#position.map((_, partition) => this.#follow(partition, signal)));
    await this.#settling;
  }

  async #start(): Promise<void> {
    const heads = await this.#deps.log.heads(purgeTopic);
    this.#identity = await this.#deps.log.identity();
    const stored = await this.#stored(this.#identity);
    heads.forEach((head, partition) => {
      // A new edge has nothing cached: what was purged before it existed is none of its business.
      const next = stored === undefined ? head.high : stored === 'useless' ? head.low : (stored[partition] as bigint);
      this.#position[partition] = next;
      this.#settled[partition] = next;
      this.#atHeadMs[partition] = 0;
      this.#deps.shared?.begin(partition, next);
    });
    await this.#deps.shared?.learn(this.#position);
    await this.#save();
  }

  /** Offsets say of what is on the disk, too, that everything before them was purged: so that must be written down first. */
  async #save(): Promise<void> {
    const { journal, offsets } = this.#deps;
    await journal?.flush();
    await this.#deps.warmsKept?.();
    await offsets.save({ log: this.#identity, store: journal?.storeId, next: this.#settled });
  }

  /** Where this edge was in this log; when nobody can tell, everything is purged and the whole log is read. */
  async #stored(identity: string): Promise<readonly bigint[] | 'useless' | undefined> {
    const stored = await this.#deps.offsets.load(topicPartitions);
    const storeId = this.#deps.journal?.storeId;
    // Purges may have come while this edge ran without it, or before another edge left it here.
    if (storeId !== undefined && (stored === undefined || stored === 'damaged' || stored.store !== storeId)) this.#deps.purger.purgeAll();
    if (stored === undefined) return undefined;
    if (stored !== 'damaged' && (stored.log ?? identity) === identity) return stored.next;
    this.#purgeAll(stored === 'damaged' ? 'the stored offsets are damaged' : `the stored offsets are of the log ${stored.log}, but this is ${identity}`);
    return 'useless';
  }

  async #readTo(partition: number, goal: bigint): Promise<void> {
    while ((this.#position[partition] as bigint) < goal) await this.#readOnce(partition, 0);
    this.#readToEnd(partition, this.#deps.now());
  }

  #readToEnd(partition: number, nowMs: number): void {
    this.#atHeadMs[partition] = nowMs;
    this.#knownUntilMs = Math.min(...this.#atHeadMs);
  }

  async #follow(partition: number, signal: AbortSignal): Promise<void> {
    const heart = this.#deps.health?.loop(`purge tail ${partition}`, this.#init.waitMs);
    while (!signal.aborted) {
      heart?.beat();
      await readPatiently({ signal, logger: this.#deps.logger, complaint: 'the log cannot be read; what is cached is revalidated until it can' }, () =>
        this.#readOnce(partition, this.#init.waitMs, signal),
      );
      if (this.#waiting > acknowledgementsWaitingMax) await this.#settling;
    }
    heart?.end();
  }

  async #readOnce(partition: number, waitMs: number, signal?: AbortSignal): Promise<void> {
    const startedMs = this.#deps.now();
    const from = this.#position[partition] as bigint;
    try {
      const batch = await this.#deps.log.read(purgeTopic, partition, from, { ...readLimits, waitMs }, signal);
      const applied = batch.records.flatMap((record) => this.#apply(record));
      this.#position[partition] = batch.next;
      if (batch.next >= batch.high) this.#readToEnd(partition, startedMs);
      if (batch.next > from) this.#settle({ partition, next: batch.next, applied });
    } catch (error) {
      if (hasCode(error, 'OFFSET_OUT_OF_RANGE')) await this.#jump(partition, 'was truncated beyond what this edge has read', 'low');
      else if (hasCode(error, 'SEALED_SEGMENT_DAMAGED') || hasCode(error, 'LOG_HOLE')) await this.#jump(partition, (error as Error).message, 'high');
      else throw error;
    }
  }

  /**
   * What comes next cannot be read: it may have purged anything.
   * @param to where the log can be read again: from its first offset, or surely from its end, up to which everything is purged now
   */
  async #jump(partition: number, reason: string, to: 'low' | 'high'): Promise<void> {
    const head = (await this.#deps.log.heads(purgeTopic))[partition];
    if (head === undefined) return;
    this.#purgeAll(`partition ${partition} of the log ${reason}`);
    this.#position[partition] = head[to];
    this.#deps.shared?.begin(partition, head[to]);
    this.#settle({ partition, next: head[to], applied: [] });
  }

  #apply(record: StoredRecord): AppliedPurge[] {
    // The answers of all edges pass here too: not worth decoding.
    const type = record.headers['ce_type'];
    if (type === purgeApplied.type || type === purgeCounted.type || type === warmFinished.type) return [];
    // The platform alone purges: what somebody else wrote here is no purge of a newer kind, and must not empty the cache.
    if (isDirect(record)) return [];
    try {
      const event = decodeEvent(record);
      if (event.type === purgeCountRequested.type) this.#deps.onCountRequested(event);
      if (event.type === warmRequested.type) this.#deps.onWarmRequested?.(event, { partition: record.partition, offset: record.offset });
      if (event.type !== purgeRequested.type) return [];
      this.#deps.shared?.take(record.partition, record.offset, event.data);
      return this.#applyPurge(event);
    } catch (error) {
      if (!(error instanceof EventInvalidError)) throw error;
      this.#deps.shared?.take(record.partition, record.offset, undefined);
      // Perhaps a newer kind of purge that this edge does not understand: forgetting everything is always right.
      this.#purgeAll(`the record ${record.partition}:${record.offset} cannot be understood: ${error.message}`);
      return [];
    }
  }

  #applyPurge({ data, id: causationId, correlationId, tenant }: EventOf<typeof purgeRequested>): AppliedPurge[] {
    const { now, purger } = this.#deps;
    const { purgeId, part = 0, parts = 1 } = data;
    const done = this.#purge(data);
    // The parts of a purge follow each other in one partition: the last one tells that all are applied.
    const before = this.#objects.get(purgeId) ?? 0;
    const objects = before + done.objects;
    const last = part + 1 >= parts;
    if (last) this.#objects.delete(purgeId);
    else this.#objects.set(purgeId, objects);
    const cause = { correlationId, causationId };
    purger.countLater({ purgeId, tenant, cause, objects }, done);
    if (!last) return [];
    return [{ tenant, cause, fact: purgeApplied.draft({ purgeId, edgeId: this.#init.edgeId, objects, appliedAtMs: now() }) }];
  }

  #purge(order: PurgeOrder & { readonly purgeId: string }): PurgeDone {
    const { logger, purger } = this.#deps;
    try {
      return purger.apply(order);
    } catch (err) {
      // A pattern of another time, perhaps: forgetting everything is always right.
      const objects = purger.purgeAll();
      logger.warn({ err, purgeId: order.purgeId, objects }, 'everything is purged: a purge cannot be applied as it stands');
      return { objects, first: 1, last: 0 };
    }
  }

  #purgeAll(reason: string): void {
    const objects = this.#deps.purger.purgeAll();
    this.#deps.logger.warn({ objects }, `everything is purged: ${reason}`);
  }

  /** Acknowledges and stores offsets behind the reading, in order, so that a log that takes no appends holds up no purge. */
  #settle(acknowledgement: Acknowledgement): void {
    this.#acknowledgements.push(acknowledgement);
    this.#waiting += acknowledgement.applied.length;
    this.#settling ??= this.#settleAll()
      .catch((error: unknown) => this.#deps.onFatal(error))
      .finally(() => (this.#settling = undefined));
  }

  async #settleAll(): Promise<void> {
    while (this.#acknowledgements.length > 0) {
      const batch = this.#acknowledgements;
      this.#acknowledgements = [];
      const applied = batch.flatMap((one) => one.applied);
      // What is on disk must not come back after a restart that begins behind this purge.
      await this.#deps.journal?.flush();
      for (const [tenant, purges] of Map.groupBy(applied, (one) => one.tenant)) {
        await this.#deps.acknowledge(
          purges.map(({ fact }) => fact),
          tenant,
          purges.map(({ cause }) => cause),
        );
      }
      this.#waiting -= applied.length;
      for (const one of batch) this.#settled[one.partition] = one.next;
      await this.#store();
    }
  }

  /** Offsets that cannot be stored are no reason to stop purging: after a restart the same purges are applied again. */
  async #store(): Promise<void> {
    try {
      await this.#save();
    } catch (err) {
      if (!hasCode(err, 'STATE_UNWRITABLE')) throw err;
      this.#deps.logger.warn({ err }, 'the offsets of the purges cannot be stored: make room on the disk');
    }
  }
}
