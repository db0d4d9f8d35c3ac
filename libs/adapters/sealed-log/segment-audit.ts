import { hashBytes, RangeTree, sameHash, type LedgerHash } from '#core/ledger';
import type { StoredRecord } from '#events';
import { hashLeaf } from './leaf.ts';
import type { SegmentReader } from './segment-reader.ts';
import type { SealedSegment, SegmentIndex } from './segment.types.ts';

/** A segment's records, as they are in the blob store, with what they hash to. */
export interface ReadSegment {
  readonly index: SegmentIndex;
  /** Folded from the records themselves. */
  readonly range: RangeTree;
  /** What of it does not fit; undefined when it is as it was sealed. */
  readonly fault: string | undefined;
}

/**
 * Reads all of a segment and folds its leaves.
 * @throws OperatingError `SEALED_SEGMENT_DAMAGED`, and those of the blob store
 */
export async function readSegment(segment: SealedSegment, reader: SegmentReader, hash: LedgerHash): Promise<ReadSegment> {
  const index = await reader.index(segment);
  const range = new RangeTree(segment.firstLeaf, hash);
  const leaf = new Uint8Array(hashBytes);
  let last = segment.first - 1n;
  let inOrder = true;
  for (let number = 0; number < index.blocks.length; number++) {
    const block = await reader.block(segment, index, number);
    for (let at = 0; at < block.count; at++) {
      const record: StoredRecord = block.record(at);
      inOrder &&= record.offset > last && record.offset < segment.end;
      last = record.offset;
      hashLeaf(record, hash, leaf);
      range.push(leaf);
    }
  }
  return { index, range, fault: faultOf(segment, index, range, inOrder) };
}

function faultOf(segment: SealedSegment, index: SegmentIndex, range: RangeTree, inOrder: boolean): string | undefined {
  const { topic, partition, first, end, records, firstLeaf } = segment;
  if (index.topic !== topic || index.partition !== partition || index.first !== first || index.end !== end) return 'its index is of another range';
  if (!inOrder) return 'its offsets are not in order';
  if (range.range.to - firstLeaf !== records) return `it holds ${range.range.to - firstLeaf} records instead of ${records}`;
  const roots = range.roots();
  if (roots.length !== index.roots.length || !roots.every((root, at) => sameHash(root, index.roots[at] as Uint8Array)))
    return 'its records do not hash to its roots';
  return undefined;
}
