import type { StoredRecord } from '#events';
import type { TracedEvent } from '../tracing/batch-span.ts';
import { isSampled } from '../tracing/traceparent.ts';

interface Seen extends TracedEvent {
  readonly offset: bigint;
  readonly startedAtMs: number;
}

/** Kept of each partition: sampled events are few, and those that are read are soon committed. */
const keptMax = 64;

/**
 * Remembers where sampled events were read, until whoever read them says up to where it is done. So the step from reading
 * to committing is seen without either of them knowing of traces.
 */
export class SeenEvents {
  readonly #partitions = new Map<string, Seen[]>();

  note(topic: string, partition: number, records: readonly StoredRecord[]): void {
    for (const record of records) {
      const traceparent = record.headers['ce_traceparent'];
      if (isSampled(traceparent)) this.#add(`${topic}/${partition}`, { traceparent, offset: record.offset, startedAtMs: Date.now() });
    }
  }

  /** Several projections read the same: what is answered to one is kept for the others, until newer ones push it out. */
  between(topic: string, partition: number, from: bigint, to: bigint): readonly TracedEvent[] {
    return this.#partitions.get(`${topic}/${partition}`)?.filter(({ offset }) => offset >= from && offset < to) ?? [];
  }

  #add(place: string, seen: Seen): void {
    const kept = this.#partitions.get(place) ?? [];
    if (kept.length === 0) this.#partitions.set(place, kept);
    const known = kept.findIndex(({ offset }) => offset === seen.offset);
    if (known >= 0) kept.splice(known, 1);
    kept.push(seen);
    if (kept.length > keptMax) kept.shift();
  }
}
