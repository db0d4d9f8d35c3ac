import {
  contexts,
  decodeEvent,
  effectAbandoned,
  effectFailed,
  effectSucceeded,
  isDirect,
  ledgerKeyRotated,
  originOf,
  type Context,
  type DomainEvent,
  type StoredRecord,
} from '#events';
import { hasCode } from '#kernel';
import {
  eventLogErrors,
  type AggregateHead,
  type AggregateStore,
  type EffectOutcome,
  type EventLog,
  type HeadProgress,
  type KnownProducer,
  type OutboxCount,
  type PastCut,
  type PastStore,
  type PartitionHead,
  type SeenPartition,
} from '#ports';
import { eraseAgain, type EraseAgainDeps } from './erase-again.ts';
import { decidedBy, nextHead } from './head-fold.ts';
import type { Logger } from './logging.ts';
import { lowOf } from './low-of.ts';
import { outboxProducer } from './outbox-relay.ts';
import type { StartProgress } from './start-progress.ts';
import { restoreHeads, type RestorableAggregate } from './restore-heads.ts';

/** Events that operators have discarded: which heads know them, and which places of whose past are another since. */
export interface DiscardedHeads {
  readonly heads: readonly [context: Context, field: string, value: string];
  placesOf(states: readonly unknown[]): ReadonlyArray<PastCut & { readonly projection: string }>;
}

export interface CatchUpDeps {
  readonly log: EventLog;
  readonly aggregates: AggregateStore;
  readonly headProgress: HeadProgress;
  readonly subjectKeys: EraseAgainDeps['subjectKeys'];
  readonly logger: Logger;
  readonly progress?: Pick<StartProgress, 'moved'>;
  readonly past: Pick<PastStore, 'forgetFrom'>;
  readonly discarded: DiscardedHeads;
}

const readLimits = { recordsMax: 1000, bytesMax: 4_194_304, waitMs: 0 } as const;
const loadedAtOnce = 20;

/**
 * Before anything is decided: heads know all that the log knows. A database that is new gets them from the log
 * ({@link restoreHeads}). One that is older than the log, restored from a backup, gets what it has missed: heads are folded on
 * from where they are known to have seen the log, what waits in the outbox and is on the log already is dropped, effects that
 * the log says are over are not performed again, keys of data subjects that it says are destroyed are destroyed again, and the outbox begins a new incarnation, lest its rows be taken for those that were sent under the same numbers before.
 *
 * The log tells the age: it remembers how many rows of the outbox it has taken in each topic, and a database that has counted
 * fewer is older. Otherwise nothing is read but the ends of partitions. Several processes may do it at once.
 * @throws OperatingError of the log or the database
 */
export async function catchUpHeads(aggregates: readonly RestorableAggregate[], deps: CatchUpDeps): Promise<void> {
  const { log, headProgress } = deps;
  const before = await ends(aggregates, log);
  const counted = await headProgress.counted();
  const missed = await missedOf(counted, log);
  if (missed !== undefined) await catchUp(aggregates, { counted, above: missed }, deps);
  await restoreHeads(aggregates, deps);
  // What was on the log before the database was asked is in its heads.
  if (missed === undefined) await headProgress.note(before);
}

async function ends(aggregates: readonly RestorableAggregate[], log: EventLog): Promise<readonly SeenPartition[]> {
  const all: SeenPartition[] = [];
  for (const { context } of aggregates) {
    for (const { partition, high } of await headsOf(log, context)) all.push({ context, partition, position: high });
  }
  return all;
}

async function headsOf(log: EventLog, topic: Context): Promise<readonly PartitionHead[]> {
  return (await unlessUnknown(log.heads(topic))) ?? [];
}

async function unlessUnknown<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (hasCode(error, 'TOPIC_UNKNOWN')) return undefined;
    throw error;
  }
}

/** The greatest incarnation that the log knows when it has taken rows that the database never counted; undefined when it has not. */
async function missedOf(counted: OutboxCount, log: EventLog): Promise<bigint | undefined> {
  let isOlder = false;
  let greatest = 0n;
  for (const topic of contexts) {
    const known = await unlessUnknown(log.producer(topic, outboxProducer));
    if (known === undefined) continue;
    isOlder ||= isBeyond(known, counted, topic);
    if (known.epoch > greatest) greatest = known.epoch;
  }
  return isOlder ? greatest : undefined;
}

function isBeyond({ epoch, next }: KnownProducer, { incarnation, last }: OutboxCount, topic: Context): boolean {
  return epoch > incarnation || (epoch === incarnation && next > (last.get(topic) ?? 0n) + 1n);
}

interface Age {
  readonly counted: OutboxCount;
  readonly above: bigint;
}

async function catchUp(aggregates: readonly RestorableAggregate[], { counted, above }: Age, deps: CatchUpDeps): Promise<void> {
  const { headProgress, log, logger } = deps;
  logger.warn('the database is older than the event log: heads are brought up to it before anything is decided');
  const waiting = await headProgress.waiting();
  const written = new Set<string>();
  let heads = 0;
  for (const aggregate of aggregates) {
    const seen = await headProgress.seen(aggregate.context);
    for (const head of await headsOf(log, aggregate.context)) {
      const at = { ...head, low: later(head.low, seen.get(head.partition)) };
      const look = (record: StoredRecord): void => {
        const id = record.headers['ce_id'] ?? '';
        if (waiting.has(id)) written.add(id);
      };
      heads += await foldOn(aggregate, at, look, deps);
    }
  }
  await forgetPast(deps);
  const dropped = await headProgress.restart({ incarnation: counted.incarnation, above, written: [...written] });
  if (dropped === undefined) logger.info({ heads }, 'another process has brought the database up to the event log');
  else logger.warn({ heads, dropped }, 'the database is up to the event log: heads were folded on, and events that were on the log already left the outbox');
}

function later(low: bigint, seen: bigint | undefined): bigint {
  return seen !== undefined && seen > low ? seen : low;
}

/** Folds what a partition holds into the heads, portion by portion; answers how many heads were moved. */
async function foldOn(aggregate: RestorableAggregate, at: PartitionHead, look: (record: StoredRecord) => void, deps: CatchUpDeps): Promise<number> {
  const { context } = aggregate;
  const { partition, high } = at;
  const lost = new Set<string>();
  let moved = 0;
  for (let from = at.low; from < high;) {
    const { records, next } = await deps.log.read(context, partition, from, readLimits);
    records.forEach(look);
    const kept = await foldPortion(aggregate, records, lost, deps);
    moved += kept;
    await deps.headProgress.settle(outcomesIn(records));
    if (context === 'access') await eraseAgain(records, deps);
    if (context === 'operation') warnOfLedgerKeys(records, deps);
    if (next <= from) throw eventLogErrors.endsEarly(context, partition, from, high);
    deps.progress?.moved({ read: Number(next - from), kept });
    from = next;
    await deps.headProgress.note([{ context, partition, position: from < high ? from : high }]);
  }
  return moved;
}

async function foldPortion(aggregate: RestorableAggregate, records: readonly StoredRecord[], lost: Set<string>, deps: CatchUpDeps): Promise<number> {
  const { context, decider } = aggregate;
  const decided = records.flatMap((record) => {
    const by = decidedBy(record);
    return by === undefined || lost.has(by.id) ? [] : [{ ...by, record }];
  });
  const heads = await load(context, [...new Set(decided.map(({ id }) => id))], deps.aggregates);
  const moved = new Map<string, AggregateHead>();
  for (const { id, version, record } of decided) {
    const head = moved.get(id) ?? heads.get(id);
    if (lost.has(id) || (head !== undefined && BigInt(version) <= head.version)) continue;
    try {
      moved.set(id, nextHead(decider, head, record));
    } catch (err) {
      lost.add(id);
      deps.logger.error({ err, context, id, offset: `${record.offset}` }, 'a head stays as it was in the older database: an event cannot be folded into it');
    }
  }
  if (moved.size === 0) return 0;
  return deps.headProgress.advance(
    context,
    Array.from(moved, ([id, head]) => ({ id, ...head })),
  );
}

const outcomes: ReadonlyMap<string, EffectOutcome> = new Map([
  [effectSucceeded.type, 'succeeded'],
  [effectFailed.type, 'failed'],
  [effectAbandoned.type, 'abandoned'],
]);

/** Effects that are over, by key. */
function outcomesIn(records: readonly StoredRecord[]): ReadonlyMap<string, EffectOutcome> {
  const over = new Map<string, EffectOutcome>();
  for (const record of records) {
    const outcome = isDirect(record) || originOf(record) !== undefined ? undefined : outcomes.get(record.headers['ce_type'] ?? '');
    if (outcome === undefined) continue;
    const { data } = decodeEvent(record) as DomainEvent & { readonly data: { readonly effectKey?: unknown } };
    if (typeof data.effectKey === 'string') over.set(data.effectKey, outcome);
  }
  return over;
}

/** A backup has pieces of the past with what was discarded since. */
async function forgetPast({ log, aggregates, discarded, past }: CatchUpDeps): Promise<void> {
  const states = (await aggregates.find(...discarded.heads)).map(({ state }) => state);
  for (const place of discarded.placesOf(states)) await past.forgetFrom(place.projection, place, await lowOf(log, place));
}

/** Their private halves are in the database alone. */
function warnOfLedgerKeys(records: readonly StoredRecord[], { logger }: CatchUpDeps): void {
  for (const record of records) {
    if (isDirect(record) || originOf(record) !== undefined || record.headers['ce_type'] !== ledgerKeyRotated.type) continue;
    const { data } = decodeEvent(record) as DomainEvent & { readonly data: { readonly number: number } };
    logger.warn(
      `the audit ledger has had a new key since the backup, number ${data.number}, which is lost with the database unless LEDGER_KEY_FILE gives it: who trusts that key alone needs a fresh export`,
    );
  }
}

async function load(context: Context, ids: readonly string[], aggregates: AggregateStore): Promise<ReadonlyMap<string, AggregateHead>> {
  const heads = new Map<string, AggregateHead>();
  for (let at = 0; at < ids.length; at += loadedAtOnce) {
    const some = ids.slice(at, at + loadedAtOnce);
    const loaded = await Promise.all(some.map((id) => aggregates.load(context, id)));
    loaded.forEach((head, n) => head !== undefined && heads.set(some[n] as string, head));
  }
  return heads;
}
