import type { DirectTenants } from '#events';
import { eventLogErrors, type ReadBatch, type ReadLimits } from '#ports';
import type { Cluster } from '../cluster/cluster.ts';
import { earliest, latest, listOffsets } from '../cluster/offsets.ts';
import { portError, refusalOf } from '../kafka-log.errors.ts';
import type { FetchedPartition } from '../wire/fetch.codec.ts';
import { readChunk, type Chunk } from './chunk.ts';
import { ChunkCache } from './chunk-cache.ts';
import type { Fetcher } from './fetcher.ts';

/** Bytes asked of a partition at once: enough to be worth a request, few enough that what they hold, some times as much, dies young. */
const fetchBytes = 262_144;
/** Who asks for so few records, and does not wait for more, picks them out here and there: what comes with them is decoded for nothing. */
const few = { records: 64, bytes: 32_768 } as const;
const offsetMax = 2n ** 63n - 1n;

/** Reads as the port says, over fetches that know only bytes. */
export class PartitionReader {
  readonly #cluster: Cluster;
  readonly #fetcher: Fetcher;
  readonly #directTenants: DirectTenants;
  readonly #cache = new ChunkCache();
  /** What one answer holds, for all who waited for it. */
  readonly #decoding = new WeakMap<FetchedPartition, Promise<Chunk>>();
  #truncations = 0;
  /** Ends as they were last seen. */
  readonly #highs = new Map<string, bigint>();

  constructor(cluster: Cluster, fetcher: Fetcher, directTenants: DirectTenants) {
    this.#cluster = cluster;
    this.#fetcher = fetcher;
    this.#directTenants = directTenants;
  }

  /** @throws OperatingError `OFFSET_OUT_OF_RANGE`, `LOG_UNAVAILABLE`, `LOG_CORRUPT`, `LOG_CLOSED` */
  async read(topic: string, partition: number, from: bigint, limits: ReadLimits, signal?: AbortSignal): Promise<ReadBatch> {
    if (from < 0n || from > offsetMax) throw await this.#outOfRange(topic, partition, from);
    const over = new AbortController();
    const end = (): void => over.abort();
    const timer = limits.waitMs > 0 ? setTimeout(end, limits.waitMs) : undefined;
    if (signal?.aborted === true) end();
    signal?.addEventListener('abort', end, { once: true });
    try {
      return await this.#readOn({ topic, partition, from }, limits, over.signal);
    } catch (error) {
      if (refusalOf(error) === 'OFFSET_OUT_OF_RANGE') throw await this.#outOfRange(topic, partition, from);
      throw portError(error, topic);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
    }
  }

  async #readOn({ topic, partition, from }: Place, limits: ReadLimits, over: AbortSignal): Promise<ReadBatch> {
    const isPatient = limits.waitMs > 0;
    for (let at = from; ;) {
      const known = limits.stored === true ? undefined : this.#cache.find(topic, partition, at);
      const chunk = known ?? (await this.#fetch({ topic, partition, from: at }, limits, over));
      if (chunk === undefined) return { records: [], next: at, high: await this.#high(topic, partition, at) };
      const high = this.#seen(topic, partition, chunk.next);
      const batch = cut(chunk, at, limits, high);
      // Nothing but the ends of transactions: go on behind them, unless there is nothing and nobody to wait for.
      if (batch.records.length > 0 || (!isPatient && (chunk.next >= high || chunk.next === at))) return batch;
      at = batch.next;
    }
  }

  async #fetch({ topic, partition, from }: Place, { recordsMax, waitMs, stored }: ReadLimits, over: AbortSignal): Promise<Chunk | undefined> {
    const truncations = this.#truncations;
    const isPatient = waitMs > 0;
    const bytesMax = !isPatient && recordsMax <= few.records ? few.bytes : fetchBytes;
    const fetched = await this.#fetcher.fetch({ topic, partition, from, bytesMax }, isPatient, over);
    if (fetched === undefined) return undefined;
    this.#highs.set(`${topic}/${partition}`, fetched.lastStableOffset);
    // An audit asks for itself alone, and takes nobody's room.
    if (stored === true) return readChunk(fetched, from, { directTenants: this.#directTenants });
    // Others who waited at this place have it decoded already, or are about to.
    const known = this.#decoding.get(fetched) ?? this.#decode(topic, fetched, from, truncations);
    this.#decoding.set(fetched, known);
    return await known;
  }

  async #decode(topic: string, fetched: FetchedPartition, from: bigint, truncations: number): Promise<Chunk> {
    const chunk = await readChunk(fetched, from, { directTenants: this.#directTenants });
    // What was asked for before a truncation is for those who asked alone.
    if (chunk.next > from && truncations === this.#truncations) this.#cache.add(topic, fetched.partition, chunk);
    return chunk;
  }

  #seen(topic: string, partition: number, atLeast: bigint): bigint {
    const high = this.#highs.get(`${topic}/${partition}`) ?? 0n;
    return high > atLeast ? high : atLeast;
  }

  async #high(topic: string, partition: number, atLeast: bigint): Promise<bigint> {
    const known = this.#highs.get(`${topic}/${partition}`);
    if (known !== undefined) return known > atLeast ? known : atLeast;
    return (await this.ends(topic, [partition], latest)).get(partition) ?? atLeast;
  }

  /** The ends of partitions for readers of committed records, or their beginnings. @throws OperatingError */
  async ends(topic: string, partitions: readonly number[], time: bigint): Promise<ReadonlyMap<number, bigint>> {
    try {
      return await listOffsets(this.#cluster, { topic, partitions, time, isCommitted: true });
    } catch (error) {
      throw portError(error, topic);
    }
  }

  async #outOfRange(topic: string, partition: number, offset: bigint): Promise<Error> {
    this.#cluster.checkOpen();
    const [lows, highs] = await Promise.all([this.ends(topic, [partition], earliest), this.ends(topic, [partition], latest)]);
    return eventLogErrors.offsetOutOfRange(topic, partition, offset, lows.get(partition) ?? 0n, highs.get(partition) ?? 0n);
  }

  /** Forgets what was read of a partition that is truncated now. */
  truncated(topic: string, partition: number): void {
    this.#truncations++;
    this.#cache.clear(topic, partition);
  }
}

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
}

/** As much of a chunk as the limits allow, but at least one record. */
function cut(chunk: Chunk, from: bigint, limits: ReadLimits, high: bigint): ReadBatch {
  const { records, sizes } = chunk;
  let start = 0;
  for (let end = records.length; start < end;) {
    const middle = (start + end) >> 1;
    if ((records[middle]?.offset ?? 0n) < from) start = middle + 1;
    else end = middle;
  }
  let stop = start;
  for (let bytes = 0; stop < records.length && stop - start < limits.recordsMax; stop++) {
    bytes += sizes[stop] as number;
    if (stop > start && bytes > limits.bytesMax) break;
  }
  return { records: records.slice(start, stop), next: records[stop]?.offset ?? chunk.next, high };
}
