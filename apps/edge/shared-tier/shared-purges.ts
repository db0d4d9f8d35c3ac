import { isDirect, decodeEvent, EventInvalidError, purgeRequested, type StoredRecord } from '#events';
import { purgeTargets, type PurgePositions, type PurgeTarget } from '#core/http-cache';
import type { EventLog } from '#ports';
import type { Logger } from '#runtime';
import type { PurgeOrder } from '../purge/purger.ts';

export interface SharedPurgesInit {
  readonly topic: string;
  /** How far back an edge that starts learns what was purged: for so long, so many records of a partition, and in so much time. */
  readonly lifetimeMs: number;
  readonly recordsMax: number;
  readonly timeMaxMs: number;
}

export interface SharedPurgesDeps {
  readonly positions: PurgePositions;
  readonly targetsOf: (order: PurgeOrder) => readonly PurgeTarget[];
  readonly log: Pick<EventLog, 'heads' | 'offsetAt' | 'read'>;
  readonly logger: Pick<Logger, 'warn'>;
  readonly now: () => number;
}

const readLimits = { recordsMax: 5000, bytesMax: 4 * 1024 * 1024, waitMs: 0 };

/**
 * Remembers the purges by their places on the log, for what other edges keep. An edge that starts reads those of the last day, too:
 * its own cache has no use for them, but what the others have kept since is judged by them.
 */
export class SharedPurges {
  readonly #init: SharedPurgesInit;
  readonly #deps: SharedPurgesDeps;

  constructor(init: SharedPurgesInit, deps: SharedPurgesDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  /** The reading of a partition begins, or goes on behind what cannot be read. */
  begin(partition: number, from: bigint): void {
    this.#deps.positions.begin(partition, from);
  }

  /** Of a record that says what was purged; undefined for one that nobody understands, which may have purged anything. */
  take(partition: number, offset: bigint, order: PurgeOrder | undefined): void {
    const { positions, targetsOf } = this.#deps;
    try {
      positions.add(partition, offset, order === undefined ? [purgeTargets.all] : targetsOf(order));
    } catch {
      positions.add(partition, offset, [purgeTargets.all]);
    }
  }

  /** What was purged before the offsets from which this edge reads. Whatever fails: then nothing is known of that time. */
  async learn(starts: readonly bigint[]): Promise<void> {
    const { log, logger, now } = this.#deps;
    const giveUpMs = now() + this.#init.timeMaxMs;
    try {
      const heads = await log.heads(this.#init.topic);
      await Promise.all(heads.map(({ low, partition }) => this.#learnOne(partition, low, starts[partition] as bigint, giveUpMs)));
    } catch (err) {
      logger.warn({ err }, 'what was purged before cannot be read: less of the shared tier is of use');
    }
  }

  async #learnOne(partition: number, low: bigint, start: bigint, giveUpMs: number): Promise<void> {
    const { log, now } = this.#deps;
    const { lifetimeMs, recordsMax, topic } = this.#init;
    const since = await log.offsetAt(topic, partition, Math.max(0, now() - lifetimeMs));
    const from = [low, since, start - BigInt(recordsMax)].reduce((a, b) => (a > b ? a : b));
    let at = from;
    while (at < start) {
      const batch = await log.read(topic, partition, at, readLimits);
      for (const record of batch.records) if (record.offset < start) this.#takeRecord(record);
      // What is behind the beginning comes by the tail; a log that says nothing more now is not waited for.
      if (batch.next === at || now() > giveUpMs) return;
      at = batch.next;
    }
    if (from < start) this.begin(partition, from);
  }

  #takeRecord(record: StoredRecord): void {
    if (record.headers['ce_type'] !== purgeRequested.type || isDirect(record)) return;
    try {
      const event = decodeEvent(record);
      if (event.type === purgeRequested.type) this.take(record.partition, record.offset, event.data);
    } catch (error) {
      if (!(error instanceof EventInvalidError)) throw error;
      this.take(record.partition, record.offset, undefined);
    }
  }
}
