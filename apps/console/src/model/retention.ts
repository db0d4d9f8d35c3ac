export interface RetainedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Decimal offsets. */
  readonly first: string;
  readonly hotFirst: string;
  readonly end: string;
  readonly segments: number;
  readonly sealedRecords: number;
  readonly sealedBytes: number;
  readonly rawBytes: number;
  readonly firstAt: string | null;
  readonly sealedUntil: string | null;
  /** Why sealing does not go on. */
  readonly problem: { readonly code: string; readonly message: string; readonly at: string } | null;
}

export interface SealedSegment {
  readonly number: number;
  readonly first: string;
  readonly end: string;
  readonly records: number;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly sealedAt: string;
  readonly cid: string;
  readonly sizeBytes: number;
  readonly rawBytes: number;
}

export interface RetainedTopic {
  readonly topic: string;
  readonly partitions: readonly RetainedPartition[];
  /** Offsets that the engine itself holds. */
  readonly hot: number;
  readonly segments: number;
  readonly sealedRecords: number;
  readonly sealedBytes: number;
  readonly rawBytes: number;
  readonly sealedUntil: string | null;
}

/** A line per topic: what lies in the engine, what in sealed segments. */
export function byTopic(partitions: readonly RetainedPartition[]): readonly RetainedTopic[] {
  return [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, some]) => {
    const sum = (of: (each: RetainedPartition) => number): number => some.reduce((total, each) => total + of(each), 0);
    return {
      topic,
      partitions: some,
      hot: sum(({ hotFirst, end }) => Number(BigInt(end) - BigInt(hotFirst))),
      segments: sum((each) => each.segments),
      sealedRecords: sum((each) => each.sealedRecords),
      sealedBytes: sum((each) => each.sealedBytes),
      rawBytes: sum((each) => each.rawBytes),
      sealedUntil:
        some
          .flatMap((each) => each.sealedUntil ?? [])
          .toSorted()
          .at(-1) ?? null,
    };
  });
}
