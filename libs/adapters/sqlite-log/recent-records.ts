import type { StoredRecord } from '#events';
import type { ReadBatch, ReadLimits } from '#ports';
import type { Head } from './head.ts';

/** Kept of a partition: what comes within moments, for readers that are moments apart. */
const recordsMax = 64;
const octetsMax = 131_072;

/** A record and what it counts against the limits of a read. */
export interface MeasuredRecord {
  readonly record: StoredRecord;
  readonly octets: number;
}

export interface FetchLimits {
  readonly recordsMax: number;
  readonly bytesMax: number;
}

/**
 * The newest records of a partition as they were read last. A process has a dozen readers at the end of the same partition,
 * who all want what was appended a moment ago: it is fetched for the first, and the others get it as long as nobody has
 * written to the file since.
 */
export class RecentRecords {
  #version = '';
  #low = 0;
  #high = 0;
  #first = 0;
  #kept: MeasuredRecord[] = [];

  /** Undefined where the file has to be asked. @param version of the file now */
  read(version: string, from: bigint, limits: ReadLimits): ReadBatch | undefined {
    const at = Number(from);
    if (version !== this.#version || at < Math.max(this.#first, this.#low) || at > this.#high) return undefined;
    const records = withinLimits(this.#kept, at - this.#first, limits);
    return { records, next: from + BigInt(records.length), high: BigInt(this.#high) };
  }

  /** What was read at that version, from an offset on. */
  keep(version: string, { low, high }: Head, from: number, fetched: readonly MeasuredRecord[]): void {
    const end = this.#first + this.#kept.length;
    const continues = from >= this.#first && from <= end;
    // Somebody who is far behind reads what nobody else wants.
    if (!continues && from + fetched.length < end) return;
    const kept = continues ? [...this.#kept.slice(0, from - this.#first), ...fetched, ...this.#kept.slice(from - this.#first + fetched.length)] : [...fetched];
    const first = continues ? this.#first : from;
    let [begin, octets] = [kept.length, 0];
    while (begin > 0 && kept.length - begin < recordsMax && octets < octetsMax) octets += kept[--begin]?.octets ?? 0;
    const isWhole = first + kept.length === high;
    this.#version = isWhole ? version : '';
    [this.#low, this.#high, this.#first, this.#kept] = [low, high, first + begin, kept.slice(begin)];
  }
}

function withinLimits(kept: readonly MeasuredRecord[], begin: number, limits: FetchLimits): readonly StoredRecord[] {
  const records: StoredRecord[] = [];
  let octets = 0;
  for (let at = begin; at < kept.length && records.length < limits.recordsMax; at++) {
    const one = kept[at] as MeasuredRecord;
    octets += one.octets;
    if (records.length > 0 && octets > limits.bytesMax) break;
    records.push(one.record);
  }
  return records;
}
