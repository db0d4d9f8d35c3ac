import { originOf, topicPartitions, type LogRecord, type StoredRecord } from '#events';
import { hasCode } from '#kernel';
import { eventLogErrors, type EventLog, type ReadBatch, type ReadLimits, type Timers } from '#ports';
import type { Logger } from '../logging.ts';
import { backOffMs, pause, systemTimers } from '../pause.ts';
import { mirrored, nothingMirrored, positionAfter, refusalOf, type MirrorPosition } from './mirrored-record.ts';

export interface RegionMirrorInit {
  /** Name of the region whose events are copied; the same for every mirror of it, for ever. */
  readonly origin: string;
  readonly topics: readonly string[];
  readonly limits?: ReadLimits;
}

export interface RegionMirrorDeps {
  readonly source: EventLog;
  readonly target: EventLog;
  readonly logger: Logger;
  readonly timers?: Timers;
}

const defaultLimits: ReadLimits = { recordsMax: 500, bytesMax: 4 * 1024 * 1024, waitMs: 5000 };
/** Records looked through at once for the last copy, from the end of the partition backwards. */
const lookBack = 1000n;

/**
 * Copies the events of one region into the log of another, in the order of each partition and exactly once. The target's
 * log itself says how far it has come: the last copy of a partition carries its place, and copies are appended on the
 * condition that none came in between. So a mirror may be killed, doubled, or left without a reply, and nothing else
 * has to be kept. What came from elsewhere stays: a mirror from each region to each other makes all logs hold the same events.
 */
export class RegionMirror {
  readonly #init: RegionMirrorInit;
  readonly #deps: RegionMirrorDeps & { readonly timers: Timers };
  readonly #stop = new AbortController();
  /** Where to read on, by `topic/partition`. */
  readonly #next = new Map<string, bigint>();
  /** What was told to be removed, by `topic/partition`: what lies before these offsets. */
  readonly #toldRemoved = new Map<string, bigint>();
  #running: Promise<unknown> = Promise.resolve();

  constructor(init: RegionMirrorInit, deps: RegionMirrorDeps) {
    this.#init = init;
    this.#deps = { timers: systemTimers, ...deps };
  }

  /** Makes sure of the topics on both sides and goes on in the background. */
  async start(): Promise<void> {
    const { source, target } = this.#deps;
    for (const topic of this.#init.topics) {
      await source.ensureTopic(topic, topicPartitions);
      await target.ensureTopic(topic, topicPartitions);
    }
    const partitions = Array.from({ length: topicPartitions }, (_, partition) => partition);
    this.#running = Promise.all(this.#init.topics.flatMap((topic) => partitions.map((partition) => this.#keepCopying(topic, partition))));
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Records of the region that were not looked at yet, as far as offsets tell. */
  async behind(): Promise<number> {
    let behind = 0n;
    for (const topic of this.#init.topics) {
      for (const { partition, low, high } of await this.#deps.source.heads(topic)) behind += high - (this.#next.get(`${topic}/${partition}`) ?? low);
    }
    return Number(behind);
  }

  async #keepCopying(topic: string, partition: number): Promise<void> {
    const { logger, timers } = this.#deps;
    const { signal } = this.#stop;
    let [position, refused] = [nothingMirrored, -1n];
    for (let failures = 0; !signal.aborted;) {
      try {
        position = await this.#position(topic, partition);
        while (!signal.aborted) {
          position = await this.#copy(topic, partition, position);
          if (position.next !== undefined) this.#next.set(`${topic}/${partition}`, position.next);
          failures = 0;
        }
      } catch (err) {
        if (signal.aborted) return;
        // Another mirror of the same region was here, or our last reply was lost: the log knows how far it has come. If it
        // says the same again, its retention has taken the last copies: nobody knows any more, and nothing may be doubled.
        if (hasCode(err, 'VERSION_CONFLICT') && position.sequence !== refused) {
          refused = position.sequence;
          continue;
        }
        logger.warn({ err, topic, partition, origin: this.#init.origin }, 'events of another region cannot be copied; trying again');
        await pause(backOffMs(failures++, 100, 10_000, timers), signal, timers);
      }
    }
  }

  /** Copies what one read brings; answers where to go on. */
  async #copy(topic: string, partition: number, { next, sequence }: MirrorPosition): Promise<MirrorPosition> {
    const { target } = this.#deps;
    const { origin } = this.#init;
    const batch = await this.#read(topic, partition, next ?? 0n);
    const own = this.#taken(topic, batch.records);
    const records = own.map((record, at) => mirrored(record, origin, sequence + BigInt(at) + 1n));
    // The condition counts copies of this partition alone: they land on one partition there, too, so all or none are written.
    if (records.length > 0) await target.append(topic, records, { expected: { subject: `mirror/${origin}/${partition}`, version: sequence } });
    return { next: batch.next, sequence: sequence + BigInt(records.length) };
  }

  /**
   * Reads on. What the region's retention has removed for good nobody will ever copy: the mirror tells so and goes on behind
   * it, else nothing that the region writes now would arrive, erasures among it. What cannot be read is not passed over.
   */
  async #read(topic: string, partition: number, from: bigint): Promise<Pick<ReadBatch, 'records' | 'next'>> {
    const { source, logger } = this.#deps;
    const { origin, limits = defaultLimits } = this.#init;
    try {
      return await source.read(topic, partition, from, limits, this.#stop.signal);
    } catch (error) {
      if (!hasCode(error, 'OFFSET_OUT_OF_RANGE')) throw error;
      const low = (await source.heads(topic)).find((head) => head.partition === partition)?.low ?? 0n;
      if (from >= low) throw error;
      if (this.#toldRemoved.get(`${topic}/${partition}`) !== low)
        logger.warn(
          { topic, partition, origin, from: String(from), before: String(low) },
          'another region has removed events before they were copied; going on behind them',
        );
      this.#toldRemoved.set(`${topic}/${partition}`, low);
      return { records: [], next: low };
    }
  }

  /** Of what was read what the region wrote itself and takes for its own. */
  #taken(topic: string, records: readonly StoredRecord[]): readonly StoredRecord[] {
    const written = records.filter((record) => originOf(record) === undefined);
    const refusals = written.map(refusalOf);
    const first = refusals.findIndex((why) => why !== undefined);
    if (first === -1) return written;
    const { partition, offset } = written[first] as StoredRecord;
    const count = refusals.filter((why) => why !== undefined).length;
    const what = { topic, partition, origin: this.#init.origin, count, offset: String(offset), why: refusals[first] };
    this.#deps.logger.info(what, 'another region refuses records of its log; they are not copied');
    return written.filter((_, at) => refusals[at] === undefined);
  }

  /** How far the copies of a partition have come, by the last of them in the target's log. */
  async #position(topic: string, partition: number): Promise<MirrorPosition> {
    const { target } = this.#deps;
    const head = (await target.heads(topic)).find((one) => one.partition === partition);
    if (head === undefined) return nothingMirrored;
    for (let end = head.high; end > head.low;) {
      const from = end - lookBack > head.low ? end - lookBack : head.low;
      const last = await this.#lastCopy(topic, partition, from, end);
      if (last !== undefined) return positionAfter(last);
      end = from;
    }
    return nothingMirrored;
  }

  async #lastCopy(topic: string, partition: number, from: bigint, end: bigint): Promise<LogRecord | undefined> {
    const { target } = this.#deps;
    let last: LogRecord | undefined;
    for (let at = from; at < end;) {
      const batch = await target.read(topic, partition, at, { ...defaultLimits, recordsMax: Number(lookBack), waitMs: 0 }, this.#stop.signal);
      for (const record of batch.records) if (record.offset < end && originOf(record) === this.#init.origin) last = record;
      // Nothing found is not nothing there: who took it for that would copy once more what was copied.
      if (batch.next === at) throw eventLogErrors.endsEarly(topic, partition, at, end);
      at = batch.next;
    }
    return last;
  }
}
