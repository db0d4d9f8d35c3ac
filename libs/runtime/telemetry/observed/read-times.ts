import type { StoredRecord } from '#events';

interface ReadPart {
  readonly from: bigint;
  readonly next: bigint;
  readonly recordedAt: number;
}

/** Reads kept of each partition; whoever stands still reads its place again and again. */
const keptMax = 64;

/** Remembers when the records were recorded that were read lately: how old what a consumer has before it is, without reading it again. */
export class ReadTimes {
  readonly #partitions = new Map<string, ReadPart[]>();

  note(topic: string, partition: number, from: bigint, next: bigint, first: StoredRecord): void {
    const place = `${topic}/${partition}`;
    const parts = this.#partitions.get(place) ?? [];
    if (parts.length === 0) this.#partitions.set(place, parts);
    parts.push({ from, next, recordedAt: first.recordedAt });
    if (parts.length > keptMax) parts.shift();
  }

  /** When the record at an offset was recorded, at the earliest, ms since the Unix epoch; undefined when it was not read lately. */
  recordedAt(topic: string, partition: number, offset: bigint): number | undefined {
    return this.#partitions.get(`${topic}/${partition}`)?.findLast(({ from, next }) => offset >= from && offset < next)?.recordedAt;
  }
}
