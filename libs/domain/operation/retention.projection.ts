import { logPastRemoved, logSealingEnded, logSealingFailed, logSealingRequested, logSegmentSealed, retentionEventTypes, type DomainEvent } from '#events';
import type { Projection, RowChange, TableSpec } from '#kernel';
import { ignoredBut } from './operation-types.ts';

/** One row per segment that was sealed, by its blob: from these rows the catalogue of a log that was lost can be made again. */
export const sealedSegmentTable: TableSpec = {
  name: 'sealed_segment',
  key: { cid: 'text' },
  columns: {
    topic: { type: 'text', join: 'once' },
    partition: { type: 'integer', join: 'once' },
    number: { type: 'integer', join: 'once' },
    first_offset: { type: 'bigint', join: 'once' },
    end_offset: { type: 'bigint', join: 'once' },
    records: { type: 'bigint', join: 'once' },
    first_ms: { type: 'bigint', join: 'once' },
    last_ms: { type: 'bigint', join: 'once' },
    size_bytes: { type: 'bigint', join: 'once' },
    raw_bytes: { type: 'bigint', join: 'once' },
    first_leaf: { type: 'bigint', join: 'once' },
    sealed_at_ms: { type: 'bigint', join: 'min' },
  },
  indexes: [['topic', 'partition', 'number']],
};

/** One row per partition of which something was sealed or removed, or could not be. */
export const retainedPartitionTable: TableSpec = {
  name: 'retained_partition',
  key: { topic: 'text', partition: 'integer' },
  columns: {
    /** Offsets before it are in sealed segments. */
    sealed_before: { type: 'bigint', join: 'max' },
    /** Offsets before it are gone. */
    removed_before: { type: 'bigint', join: 'max' },
    /** Why sealing does not go on; empty when it does. */
    problem_code: { type: 'text', join: 'lww', stamp: 'problem' },
    problem: { type: 'text', join: 'lww', stamp: 'problem' },
    problem_at_ms: { type: 'bigint', join: 'lww', stamp: 'problem' },
  },
};

/** One row per order to seal. */
export const sealingTable: TableSpec = {
  name: 'sealing',
  key: { sealing_id: 'text' },
  columns: {
    older_than_ms: { type: 'bigint', join: 'once' },
    reason: { type: 'text', join: 'once' },
    requested_by: { type: 'text', join: 'once' },
    requested_at_ms: { type: 'bigint', join: 'once' },
    ended_at_ms: { type: 'bigint', join: 'once' },
    segments: { type: 'bigint', join: 'once' },
    records: { type: 'bigint', join: 'once' },
    failures: { type: 'bigint', join: 'once' },
  },
  indexes: [['requested_at_ms']],
};

/** A failure and a success at the same time: the success is the later. */
function problemStamp(event: DomainEvent, isSolved: boolean): bigint {
  return BigInt(event.time) * 2n + (isSolved ? 1n : 0n);
}

function sealedRows(event: Extract<DomainEvent, { readonly type: 'log.segment-sealed' }>): readonly RowChange[] {
  const { topic, partition, cid, number, firstOffset, endOffset, records, firstMs, lastMs, sizeBytes, rawBytes, firstLeaf } = event.data;
  const place = { topic, partition, number, first_offset: BigInt(firstOffset), end_offset: BigInt(endOffset), first_leaf: BigInt(firstLeaf) };
  const size = { records: BigInt(records), size_bytes: BigInt(sizeBytes), raw_bytes: BigInt(rawBytes) };
  const times = { first_ms: BigInt(firstMs), last_ms: BigInt(lastMs), sealed_at_ms: BigInt(event.time) };
  const solved = { problem_code: '', problem: '', problem_at_ms: BigInt(event.time) };
  return [
    { table: sealedSegmentTable.name, key: { cid }, set: { ...place, ...size, ...times } },
    {
      table: retainedPartitionTable.name,
      key: { topic, partition },
      set: { sealed_before: BigInt(endOffset), ...solved },
      stamps: { problem: problemStamp(event, true) },
    },
  ];
}

function project(event: DomainEvent): readonly RowChange[] {
  const at = BigInt(event.time);
  switch (event.type) {
    case logSegmentSealed.type:
      return sealedRows(event);
    case logSealingFailed.type: {
      const { topic, partition, code, message } = event.data;
      const set = { problem_code: code, problem: message, problem_at_ms: at };
      return [{ table: retainedPartitionTable.name, key: { topic, partition }, set, stamps: { problem: problemStamp(event, false) } }];
    }
    case logPastRemoved.type: {
      const { topic, partition, beforeOffset } = event.data;
      return [{ table: retainedPartitionTable.name, key: { topic, partition }, set: { removed_before: BigInt(beforeOffset) } }];
    }
    case logSealingRequested.type: {
      const { sealingId, olderThanMs, reason } = event.data;
      const set = { older_than_ms: BigInt(olderThanMs), reason, requested_by: event.actor, requested_at_ms: at };
      return [{ table: sealingTable.name, key: { sealing_id: sealingId }, set }];
    }
    case logSealingEnded.type: {
      const { sealingId, segments, records, failures } = event.data;
      const set = { ended_at_ms: at, segments: BigInt(segments), records: BigInt(records), failures: BigInt(failures) };
      return [{ table: sealingTable.name, key: { sealing_id: sealingId }, set }];
    }
    default:
      return [];
  }
}

/** What of the log is sealed, where, and what was removed for good. */
export const retentionProjection: Projection<DomainEvent> = {
  name: 'retention',
  version: 1,
  contexts: ['operation'],
  handles: retentionEventTypes,
  ignores: ignoredBut(retentionEventTypes),
  tables: [sealedSegmentTable, retainedPartitionTable, sealingTable],
  project,
};
