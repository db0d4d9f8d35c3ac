import type { SealedEventLog, SealedPartition, SealedSegment } from '#adapters/sealed-log';
import { retainedPartitionTable } from '#domain/operation';
import { contexts, type Context } from '#events';
import { hasCode } from '#kernel';
import type { PartitionHead, ReadRow, ReadStore } from '#ports';

export interface RetentionReaderDeps {
  readonly sealedLog: SealedEventLog;
  readonly reads: ReadStore;
  readonly now: () => number;
}

const rowsMax = 10_000;
const timeText = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

/** What of the log lies where. */
export class RetentionReader {
  readonly #deps: RetentionReaderDeps;

  constructor(deps: RetentionReaderDeps) {
    this.#deps = deps;
  }

  async partitions(topic: Context | undefined, olderThanMs: number | undefined): Promise<readonly object[]> {
    const { sealedLog } = this.#deps;
    const problems = await this.#problems();
    const sealed = new Map((await sealedLog.allSealed()).map((one) => [`${one.topic}/${one.partition}`, one]));
    const views: object[] = [];
    for (const name of topic === undefined ? contexts : [topic]) {
      const lows = await this.#heads(() => sealedLog.heads(name));
      for (const head of await this.#heads(() => sealedLog.hot.heads(name))) {
        const place = `${name}/${head.partition}`;
        const low = lows[head.partition]?.low ?? head.low;
        const old = olderThanMs === undefined ? null : await this.#old(name, head, sealed.get(place), olderThanMs);
        views.push({ topic: name, ...viewOf(head, low, sealed.get(place)), old, problem: problems.get(place) ?? null });
      }
    }
    return views;
  }

  /** A topic that nobody has written to yet has no partitions. */
  async #heads(read: () => Promise<readonly PartitionHead[]>): Promise<readonly PartitionHead[]> {
    try {
      return await read();
    } catch (error) {
      if (hasCode(error, 'TOPIC_UNKNOWN')) return [];
      throw error;
    }
  }

  async #old(topic: string, { partition, low }: PartitionHead, sealed: SealedPartition | undefined, olderThanMs: number): Promise<number> {
    const until = await this.#deps.sealedLog.hot.offsetAt(topic, partition, this.#deps.now() - olderThanMs);
    const from = sealed !== undefined && sealed.end > low ? sealed.end : low;
    return until > from ? Number(until - from) : 0;
  }

  async #problems(): Promise<ReadonlyMap<string, object>> {
    const rows = await this.#rows();
    const failing = rows.filter((row) => row['problem_code']);
    return new Map(
      failing.map((row) => [
        `${String(row['topic'])}/${String(row['partition'])}`,
        { code: row['problem_code'], message: row['problem'], at: timeText(Number(row['problem_at_ms'])) },
      ]),
    );
  }

  async #rows(): Promise<readonly ReadRow[]> {
    try {
      return await this.#deps.reads.select(retainedPartitionTable, { limit: rowsMax });
    } catch (error) {
      // The read model of a new platform is on its way.
      if (hasCode(error, 'TABLE_UNKNOWN')) return [];
      throw error;
    }
  }

  async segments(topic: Context, partition: number): Promise<readonly object[]> {
    const { segments } = await this.#deps.sealedLog.sealed(topic, partition);
    return Promise.all(segments.map((segment) => this.#segment(segment)));
  }

  async #segment(segment: SealedSegment): Promise<object> {
    const { number, first, end, records, firstMs, lastMs, sealedMs, cid, sizeBytes, rawBytes, firstLeaf } = segment;
    const types = await this.#deps.sealedLog.indexOf(segment).then(
      (index) => index.types,
      () => null,
    );
    const times = { firstAt: timeText(firstMs), lastAt: timeText(lastMs), sealedAt: timeText(sealedMs) };
    return { number, first: String(first), end: String(end), records, ...times, cid, sizeBytes, rawBytes, firstLeaf, types };
  }
}

function viewOf({ partition, low: hotLow, high }: PartitionHead, low: bigint, sealed: SealedPartition | undefined): object {
  const segments = sealed?.segments ?? [];
  const sum = (of: (segment: SealedSegment) => number): number => segments.reduce((all, segment) => all + of(segment), 0);
  return {
    partition,
    first: String(low),
    hotFirst: String(hotLow),
    end: String(high),
    sealedEnd: String(sealed?.end ?? 0n),
    segments: segments.length,
    sealedRecords: sum(({ records }) => records),
    sealedBytes: sum(({ sizeBytes }) => sizeBytes),
    rawBytes: sum(({ rawBytes }) => rawBytes),
    firstAt: timeText(segments[0]?.firstMs),
    sealedUntil: timeText(segments.at(-1)?.lastMs),
  };
}
