import type { LogRecord } from '#events';
import { partitionOf } from '#kernel';
import type { Position } from '#ports';
import { earliest, latest, listOffsets } from '../cluster/offsets.ts';
import { refusalOf } from '../kafka-log.errors.ts';
import { readChunk } from '../read/chunk.ts';
import type { GuardDeps } from './guard-deps.ts';
import { markOf, type ProducerGuardState } from './guard-state.codec.ts';

const rememberedMax = 16_384;

/** Where the latest records of a producer's epoch went, by sequence. */
export class RecentPositions {
  readonly #positions = new Map<bigint, Position>();

  add(sequence: bigint, positions: readonly Position[]): void {
    positions.forEach((position, at) => this.#positions.set(sequence + BigInt(at), position));
    for (const oldest of this.#positions.keys()) {
      if (this.#positions.size <= rememberedMax) break;
      this.#positions.delete(oldest);
    }
  }

  /** Undefined where one of them is not remembered. */
  find(sequence: bigint, count: number): readonly Position[] | undefined {
    const positions = Array.from({ length: count }, (_, at) => this.#positions.get(sequence + BigInt(at)));
    return positions.every((one) => one !== undefined) ? positions : undefined;
  }

  clear(): void {
    this.#positions.clear();
  }
}

export interface RecallInit {
  readonly topic: string;
  readonly partitions: number;
  readonly producer: string;
  readonly state: ProducerGuardState;
  readonly sequence: bigint;
  /** As they were written: their keys say where to look. */
  readonly records: readonly LogRecord[];
}

/** Finds records of former appends on the log itself, by their marks. Undefined when one is not there, or no longer. */
export async function recall(init: RecallInit, deps: GuardDeps): Promise<readonly Position[] | undefined> {
  const { state, sequence, records, producer } = init;
  const checkpoint = state.checkpoints.find((one) => one.sequence <= sequence);
  if (checkpoint === undefined) return undefined;
  const places = Map.groupBy(
    records.map((record, at) => [partitionOf(record.key, init.partitions), markOf(producer, state.epoch, sequence + BigInt(at))] as const),
    ([partition]) => partition,
  );
  const found = new Map<string, Position>();
  await Promise.all(
    [...places].map(([partition, wanted]) =>
      find(init.topic, partition, checkpoint.floors[partition] ?? 0n, new Set(wanted.map(([, mark]) => mark)), found, deps),
    ),
  );
  const positions = records.map((_, at) => found.get(markOf(producer, state.epoch, sequence + BigInt(at))));
  return positions.every((one) => one !== undefined) ? positions : undefined;
}

async function find(topic: string, partition: number, from: bigint, wanted: Set<string>, found: Map<string, Position>, deps: GuardDeps): Promise<void> {
  const end = (await listOffsets(deps.cluster, { topic, partitions: [partition], time: latest, isCommitted: true })).get(partition) ?? 0n;
  for (let at = from; at < end && wanted.size > 0;) {
    try {
      const fetched = await deps.fetcher.fetch({ topic, partition, from: at, bytesMax: 1_048_576 }, false);
      if (fetched === undefined) return;
      const chunk = await readChunk(fetched, at);
      chunk.marks.forEach((mark, n) => {
        if (mark !== undefined && wanted.delete(mark)) found.set(mark, { partition, offset: chunk.records[n]?.offset ?? 0n });
      });
      if (chunk.next === at) return;
      at = chunk.next;
    } catch (error) {
      if (refusalOf(error) !== 'OFFSET_OUT_OF_RANGE') throw error;
      const low = (await listOffsets(deps.cluster, { topic, partitions: [partition], time: earliest, isCommitted: true })).get(partition) ?? end;
      if (low <= at) throw error;
      at = low;
    }
  }
}
