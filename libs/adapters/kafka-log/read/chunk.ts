import type { DirectTenants, StoredRecord } from '#events';
import type { FetchedPartition } from '../wire/fetch.codec.ts';
import { attributes } from '../wire/record-batch.codec.ts';
import { batchBodies } from '../wire/batch-bodies.ts';
import { readBatchHeads, readIsAbort, RecordReader, type BatchBody } from '../wire/record-reader.ts';

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

/**
 * Decodes what a broker answered to a read of committed records: without those of aborted transactions, without the
 * control records that end transactions, and without what stands before `from` in the first batch.
 * @param directTenants for whom others may write past us; left out where nobody looks at their events
 * @throws OperatingError `LOG_CORRUPT`
 */
export async function readChunk(fetched: FetchedPartition, from: bigint, directTenants?: DirectTenants): Promise<Chunk> {
  const heads = readBatchHeads(fetched.records);
  const bodies = await batchBodies(fetched.records, heads);
  const aborts = fetched.aborted.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const aborting = new Set<bigint>();
  const records: StoredRecord[] = [];
  const marks: Array<string | undefined> = [];
  const sizes: number[] = [];
  let next = from;
  for (const [at, head] of heads.entries()) {
    for (let abort = aborts[0]; abort !== undefined && abort.firstOffset <= head.lastOffset; abort = aborts[0]) {
      aborting.add(abort.producerId);
      aborts.shift();
    }
    if ((head.attributes & attributes.control) !== 0) {
      if (readIsAbort(fetched.records, head)) aborting.delete(head.producerId);
    } else if ((head.attributes & attributes.transactional) === 0 || !aborting.has(head.producerId)) {
      new RecordReader(head, bodies[at] as BatchBody).readFrom(from, fetched.partition, { records, marks, sizes, directTenants });
    }
    if (head.lastOffset >= next) next = head.lastOffset + 1n;
  }
  return { from, next, records, marks, sizes, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}
