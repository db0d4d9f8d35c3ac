import { unreadableRecord, type DirectTenants, type StoredRecord } from '#events';
import type { FetchedPartition } from '../wire/fetch.codec.ts';
import { attributes } from '../wire/record-batch.codec.ts';
import { batchBodies, type UnreadableBody } from '../wire/batch-bodies.ts';
import { readBatchHeads, readIsAbort, RecordReader, type BatchBody, type BatchHead, type RecordSink } from '../wire/record-reader.ts';

/** A stretch of a partition: what committed records lie between two offsets. */
export interface Chunk {
  readonly from: bigint;
  /** Behind the last batch that was read, whether or not it held records for us. */
  readonly next: bigint;
  readonly records: readonly StoredRecord[];
  /** Of each record, the guarded append that wrote it. */
  readonly marks: ReadonlyArray<string | undefined>;
  /** Of each record, its bytes: a little more than the limits of a read count. */
  readonly sizes: readonly number[];
  /** Of all of them as they are in memory, not as they came compressed. */
  readonly bytes: number;
}

export interface ChunkInit {
  /** For whom others may write past us; left out where nobody looks at their events. */
  readonly directTenants?: DirectTenants;
  /** Most bytes of a batch when it is decompressed. */
  readonly bodyBytesMax?: number;
}

/**
 * Decodes what a broker answered to a read of committed records: without those of aborted transactions, without the
 * control records that end transactions, and without what stands before `from` in the first batch.
 * A batch that nobody can read, which only others can have written, is one record in its last place that says so.
 * @throws OperatingError `LOG_CORRUPT`
 */
export async function readChunk(fetched: FetchedPartition, from: bigint, { directTenants, bodyBytesMax }: ChunkInit = {}): Promise<Chunk> {
  const heads = readBatchHeads(fetched.records);
  const bodies = await batchBodies(fetched.records, heads, bodyBytesMax);
  const aborts = fetched.aborted.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const aborting = new Set<bigint>();
  const records: StoredRecord[] = [];
  const marks: Array<string | undefined> = [];
  const sizes: number[] = [];
  let next = from;
  for (const [at, body] of bodies.entries()) {
    const head = heads[at] as BatchHead;
    for (let abort = aborts[0]; abort !== undefined && abort.firstOffset <= head.lastOffset; abort = aborts[0]) {
      aborting.add(abort.producerId);
      aborts.shift();
    }
    if ((head.attributes & attributes.control) !== 0) {
      if (readIsAbort(fetched.records, head)) aborting.delete(head.producerId);
    } else if ((head.attributes & attributes.transactional) === 0 || !aborting.has(head.producerId)) {
      readBody(head, body, { from, partition: fetched.partition }, { records, marks, sizes, directTenants });
    }
    if (head.lastOffset >= next) next = head.lastOffset + 1n;
  }
  return { from, next, records, marks, sizes, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

function readBody(head: BatchHead, body: BatchBody | UnreadableBody, place: { readonly from: bigint; readonly partition: number }, into: RecordSink): void {
  const before = into.records.length;
  if (!('unreadable' in body) && new RecordReader(head, body).readFrom(place.from, place.partition, into)) return;
  for (const list of [into.records, into.marks, into.sizes]) list.length = before;
  if (head.lastOffset < place.from) return;
  const why = 'unreadable' in body ? body.unreadable : 'The batch does not hold the records that it says.';
  const stands = { partition: place.partition, offset: head.lastOffset, recordedAt: head.maxTimestamp };
  into.records.push(unreadableRecord(`${why} Offsets ${head.baseOffset} to ${head.lastOffset}, ${head.end - head.start} bytes.`, stands));
  into.marks.push(undefined);
  into.sizes.push(why.length);
}
