import { eventLogErrors, type EventLog, type ReadBatch, type ReadLimits } from '#ports';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { badRequest, positionTruncated } from '../http/problem.errors.ts';
import { lanes, lanesOf, matches, type EventFilter, type Lane, type Positions } from './event-filter.core.ts';
import { LogEntry } from './log-entry.ts';
import type { TokenPositions } from './resume-token.codec.ts';

export interface HistoryQuery {
  readonly filter: EventFilter;
  readonly order: 'newest' | 'oldest';
  /** Of the page before, in the same order. */
  readonly positions?: TokenPositions | undefined;
  /** Recorded at or after / before, ms since the Unix epoch. */
  readonly fromMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

export interface HistoryPage {
  readonly events: readonly LogEntry[];
  /** Where to read on in the same order. */
  readonly positions: Positions;
  /** False at the end of what was there when the reading began. */
  readonly more: boolean;
}

/** Records looked at for one page: a rare event far away costs several requests, never one without end. */
const scannedMax = 20_000;
const chunkRecords = 128;
const limits: ReadLimits = { recordsMax: chunkRecords, bytesMax: 4_194_304, waitMs: 0 };

/** A lane being read in one direction, a chunk at a time. */
interface LaneCursor {
  readonly index: number;
  readonly lane: Lane;
  readonly low: bigint;
  readonly high: bigint;
  /** Forward: the next offset to show. Backward: one above it. */
  position: bigint;
  /** Read but not yet shown, in the order of showing. */
  chunk: readonly LogEntry[];
  at: number;
  /** Where the read behind the chunk begins; undefined at the end. */
  readFrom: bigint | undefined;
}

function clamp(value: bigint, low: bigint, high: bigint): bigint {
  return value < low ? low : value > high ? high : value;
}

/**
 * Opens the log for reading in one direction, in the order in which it recorded events; partitions are merged by that time.
 * @throws ProblemError 410 when the positions' events were truncated, 400 when they lie beyond the end; then and later
 * OperatingError `LOG_UNAVAILABLE` when the log answers with less than it has, as brokers do that have just changed hands:
 * a page that left out what is there would look like all of it.
 */
export async function openHistory(log: EventLog, query: HistoryQuery): Promise<HistoryReader> {
  const indexes = lanesOf(query.filter);
  const topics = [...new Set(indexes.map((index) => (lanes[index] as Lane).topic))];
  const heads = new Map(await Promise.all(topics.map(async (topic) => [topic, await log.heads(topic)] as const)));
  const cursors = await Promise.all(
    indexes.map((index) => {
      const lane = lanes[index] as Lane;
      return openLane(log, query, index, heads.get(lane.topic)?.[lane.partition] ?? { low: 0n, high: 0n });
    }),
  );
  const reader = new HistoryReader(log, query, cursors);
  await reader.begin();
  return reader;
}

async function openLane(log: EventLog, query: HistoryQuery, index: number, head: { readonly low: bigint; readonly high: bigint }): Promise<LaneCursor> {
  const { topic, partition } = lanes[index] as Lane;
  const given = query.positions?.[index];
  if (given !== undefined) checkPosition(given, head, query.order);
  const bound = (ms: number | undefined, otherwise: bigint): Promise<bigint> | bigint => (ms === undefined ? otherwise : log.offsetAt(topic, partition, ms));
  const low = clamp(await bound(query.fromMs, head.low), head.low, head.high);
  const high = clamp(await bound(query.untilMs, head.high), low, head.high);
  const position = clamp(given ?? (query.order === 'oldest' ? low : high), low, high);
  return { index, lane: { topic, partition }, low, high, position, chunk: [], at: 0, readFrom: position };
}

/** @throws ProblemError 400 beyond the end, 410 when truncated */
export function checkPosition(position: bigint, head: { readonly low: bigint; readonly high: bigint }, order: 'newest' | 'oldest'): void {
  if (position > head.high)
    throw badRequest('token-of-another-log', 'This position lies beyond the end of the log: it is of another log, or its topics were made anew. Begin anew.');
  if (order === 'oldest' && position < head.low) throw positionTruncated();
}

/** A reading of the log under way. */
export class HistoryReader {
  readonly #log: EventLog;
  readonly #filter: EventFilter;
  readonly #forward: boolean;
  readonly #cursors: readonly LaneCursor[];
  readonly #base: Positions;
  #open: LaneCursor[] = [];

  constructor(log: EventLog, query: HistoryQuery, cursors: readonly LaneCursor[]) {
    this.#log = log;
    this.#filter = query.filter;
    this.#forward = query.order === 'oldest';
    this.#cursors = cursors;
    this.#base = lanes.map((_, at) => query.positions?.[at] ?? 0n);
  }

  async begin(): Promise<void> {
    const filled = await Promise.all(this.#cursors.map((cursor) => this.#refill(cursor)));
    this.#open = this.#cursors.filter((_, at) => filled[at]);
  }

  /** The next events that match, at most `limit`; fewer when it had to look at too many that do not. */
  async take(limit: number): Promise<HistoryPage> {
    const events: LogEntry[] = [];
    for (let scanned = 0; events.length < limit && scanned < scannedMax && this.#open.length > 0; scanned++) {
      const next = this.#open.reduce((best, each) => (comes(each, best, this.#forward) ? each : best));
      const event = next.chunk[next.at++] as LogEntry;
      next.position = this.#forward ? event.record.offset + 1n : event.record.offset;
      if (matches(this.#filter, event)) events.push(event);
      if (next.at === next.chunk.length && !(await this.#refill(next))) this.#open = this.#open.filter((each) => each !== next);
    }
    const positions = [...this.#base];
    for (const each of this.#cursors) positions[each.index] = each.position;
    return { events, positions, more: this.#open.length > 0 };
  }

  /** False when the lane has nothing more to show. Offsets may have gaps, so an empty chunk is not the end. */
  async #refill(cursor: LaneCursor): Promise<boolean> {
    cursor.chunk = [];
    cursor.at = 0;
    while (cursor.chunk.length === 0 && cursor.readFrom !== undefined) {
      // An embedded log answers without leaving the thread: others get their turn between the reads.
      await nextTurn();
      await (this.#forward ? this.#readOn(cursor) : this.#readBack(cursor));
    }
    if (cursor.chunk.length === 0) cursor.position = this.#forward ? cursor.high : cursor.low;
    return cursor.chunk.length > 0;
  }

  async #readOn(cursor: LaneCursor): Promise<void> {
    const from = cursor.readFrom as bigint;
    if (from >= cursor.high) return void (cursor.readFrom = undefined);
    const { records, next } = await this.#read(cursor, from);
    cursor.chunk = records.filter((record) => record.offset < cursor.high).map((record) => new LogEntry(cursor.lane.topic, record));
    cursor.readFrom = next;
  }

  /** Reads on within what the lane holds. */
  async #read({ lane: { topic, partition }, high }: LaneCursor, from: bigint): Promise<ReadBatch> {
    const batch = await this.#log.read(topic, partition, from, limits);
    if (batch.next <= from) throw eventLogErrors.endsEarly(topic, partition, from, high);
    return batch;
  }

  async #readBack(cursor: LaneCursor): Promise<void> {
    const until = cursor.readFrom as bigint;
    if (until <= cursor.low) return void (cursor.readFrom = undefined);
    const start = clamp(until - BigInt(chunkRecords), cursor.low, until);
    const chunk: LogEntry[] = [];
    // A byte limit may end a read early: read on until the window is complete.
    for (let from = start; from < until;) {
      const { records, next } = await this.#read(cursor, from);
      for (const record of records) if (record.offset < until) chunk.push(new LogEntry(cursor.lane.topic, record));
      from = next;
    }
    cursor.chunk = chunk.reverse();
    cursor.readFrom = start;
  }
}

/** True when the next event of `one` is shown before that of `other`; ties go by place, so that pages agree. */
function comes(one: LaneCursor, other: LaneCursor, forward: boolean): boolean {
  if (one === other) return false;
  const [a, b] = [one.chunk[one.at] as LogEntry, other.chunk[other.at] as LogEntry];
  const before = a.record.recordedAt === b.record.recordedAt ? one.index < other.index : a.record.recordedAt < b.record.recordedAt;
  return before === forward;
}
