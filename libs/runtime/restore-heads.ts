import { topicPartitions, type Context } from '#events';
import { eventLogErrors, type AggregateStore, type EventLog, type PartitionHead } from '#ports';
import { HeadFold } from './head-fold.ts';
import type { CatalogueDraft } from './envelopes.ts';
import type { Logger } from './logging.ts';
import type { StartProgress } from './start-progress.ts';

/** What restoring needs of an aggregate: where its events are, and how they fold. */
export interface RestorableAggregate {
  readonly context: Context;
  readonly decider: { readonly initialState: unknown; evolve(state: unknown, event: CatalogueDraft): unknown };
}

export interface RestoreHeadsDeps {
  readonly log: EventLog;
  readonly aggregates: AggregateStore;
  readonly logger: Logger;
  readonly progress?: Pick<StartProgress, 'moved'>;
  /** Characters of open aggregates kept in memory at once; 32 Mi by default. What does not fit is folded by another pass. */
  readonly charactersMax?: number;
}

const readLimits = { recordsMax: 1000, bytesMax: 4_194_304, waitMs: 0 } as const;
const headsPerInsert = 200;

/**
 * Folds the heads that the database does not have from the log: after its loss, every aggregate goes on where it was.
 * Done once per partition and database, which remembers it; a crash in the middle repeats the partition in hand. Heads
 * that exist are never touched, so that two processes may do it at once, while others write.
 * @throws OperatingError of the log or the store.
 */
export async function restoreHeads(aggregates: readonly RestorableAggregate[], deps: RestoreHeadsDeps): Promise<void> {
  for (const aggregate of aggregates) {
    const { context } = aggregate;
    await deps.log.ensureTopic(context, topicPartitions);
    const done = await deps.aggregates.restoredPartitions(context);
    let restored = 0;
    for (const head of await deps.log.heads(context)) {
      if (!done.includes(head.partition)) restored += await restorePartition(aggregate, head, deps);
    }
    if (restored > 0) deps.logger.info({ context, restored }, 'heads that the database had lost are restored from the log');
  }
}

async function restorePartition(aggregate: RestorableAggregate, { partition, low, high }: PartitionHead, deps: RestoreHeadsDeps): Promise<number> {
  const { context } = aggregate;
  let restored = 0;
  let failed = 0;
  for (let from: bigint | undefined = low; from !== undefined;) {
    const fold = new HeadFold(aggregate.decider, deps.charactersMax ?? 33_554_432);
    await readTo(high, from, context, partition, fold, deps);
    restored += await store(context, fold, deps);
    failed += fold.failed;
    from = fold.skippedFrom;
  }
  // What could not be read is tried again by the next start, perhaps of a version that can.
  if (failed === 0) await deps.aggregates.markRestored(context, partition);
  return restored;
}

async function readTo(high: bigint, low: bigint, context: Context, partition: number, fold: HeadFold, deps: RestoreHeadsDeps): Promise<void> {
  const { log, logger, progress } = deps;
  for (let from = low; from < high;) {
    const { records, next } = await log.read(context, partition, from, readLimits);
    for (const record of records) {
      const err = fold.add(record);
      if (err !== undefined) logger.error({ err, context, partition, offset: `${record.offset}` }, `a head is not restored: ${err.message}`);
    }
    if (next <= from) throw eventLogErrors.endsEarly(context, partition, from, high);
    progress?.moved({ read: Number(next - from) });
    from = next;
  }
}

async function store(context: Context, fold: HeadFold, { aggregates, progress }: RestoreHeadsDeps): Promise<number> {
  const heads = fold.heads();
  let restored = 0;
  for (let at = 0; at < heads.length; at += headsPerInsert) {
    const some = heads.slice(at, at + headsPerInsert);
    restored += await aggregates.restore(context, some);
    progress?.moved({ kept: some.length });
  }
  return restored;
}
