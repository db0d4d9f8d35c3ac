import type { BuildStart, BuildView, EventLog } from '#ports';

export interface ReplayWindow {
  /** Only events recorded from then on, ms since the Unix epoch; null: from the beginning. */
  readonly fromMs: number | null;
  /** Only events recorded before; null: without an end. */
  readonly untilMs: number | null;
  /** Only these partitions of each topic; null: all. */
  readonly partitions: readonly number[] | null;
}

/** Where a replay begins in each partition of the topics. */
export async function buildStarts(log: EventLog, topics: readonly string[], { fromMs, partitions }: ReplayWindow): Promise<readonly BuildStart[]> {
  const starts: BuildStart[] = [];
  for (const topic of topics) {
    for (const { partition, low } of await log.heads(topic)) {
      if (partitions !== null && !partitions.includes(partition)) continue;
      const at = fromMs === null ? low : await log.offsetAt(topic, partition, fromMs);
      starts.push({ topic, partition, first: at > low ? at : low });
    }
  }
  return starts;
}

/** How many events lay before what a build can read of its partitions: removed from the log when their time had come. */
export function eventsGone({ positions }: Pick<BuildView, 'positions'>, { fromMs }: Pick<ReplayWindow, 'fromMs'>): number {
  return fromMs === null ? positions.reduce((sum, { first }) => sum + Number(first), 0) : 0;
}

/**
 * The same of a build whose window begins at a time: where it begins with the log, what was removed may have been of it. How much of that lay
 * before the window nobody knows any more; where nothing is left of a partition, the others of the topic say whether any was.
 */
export async function eventsGoneOf(log: EventLog, { positions }: Pick<BuildView, 'positions'>, { fromMs }: Pick<ReplayWindow, 'fromMs'>): Promise<number> {
  if (fromMs === null) return eventsGone({ positions }, { fromMs });
  let gone = 0;
  for (const topic of new Set(positions.map((position) => position.topic))) {
    const heads = await log.heads(topic);
    const cut = heads.flatMap(({ partition, low, high }) => {
      const first = positions.find((position) => position.topic === topic && position.partition === partition)?.first ?? 0n;
      return first > 0n && first <= low ? [{ first, isEmpty: low === high }] : [];
    });
    if (cut.some(({ isEmpty }) => !isEmpty) || heads.every(({ low, high }) => low === high)) gone += cut.reduce((sum, { first }) => sum + Number(first), 0);
  }
  return gone;
}

/** Where it ends, by `topic/partition`; undefined without an end. */
export async function buildEnds(log: EventLog, starts: readonly BuildStart[], { untilMs }: ReplayWindow): Promise<ReadonlyMap<string, bigint> | undefined> {
  if (untilMs === null) return undefined;
  const ends = new Map<string, bigint>();
  for (const { topic, partition } of starts) ends.set(`${topic}/${partition}`, await log.offsetAt(topic, partition, untilMs));
  return ends;
}

/** True for a replay of the whole log: such a build can serve. */
export function isWhole({ fromMs, untilMs, partitions }: ReplayWindow): boolean {
  return fromMs === null && untilMs === null && partitions === null;
}
