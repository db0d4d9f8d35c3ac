import { parkedEventTable, parkedIdOf, projectionOf, type ParkedKey, type ParkedRowState } from '#domain/operation';
import type { StoredRecord } from '#events';
import { isInQueue, type EventLog, type ParkedEvent, type ParkedEvents, type ReadCondition, type ReadRow, type ReadStore } from '#ports';
import { isoTime } from '../http/fields.ts';
import { newestPage, type NewestPage } from '../http/newest-page.ts';

export interface ParkedReaderDeps {
  readonly reads: ReadStore;
  readonly parked: ParkedEvents;
  readonly log: EventLog;
}

export interface ParkedQuery {
  readonly topic?: string | undefined;
  readonly consumer?: string | undefined;
  readonly type?: string | undefined;
  readonly code?: string | undefined;
  readonly state?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface ParkedPage {
  readonly items: ReadonlyArray<{ readonly id: string; readonly state: string }>;
  readonly nextCursor: string | null;
}

/** Pages that are looked through for one, where what is gone is left out. */
const pagesMax = 10;
const waitingMax = 10;
/** Records that are looked through for them. */
const lookedThroughMax = 2000;
const valueMax = 256 * 1024;

/** What is parked: what the log tells of it, and what waits behind it now. */
export class ParkedReader {
  readonly #deps: ParkedReaderDeps;

  constructor(deps: ParkedReaderDeps) {
    this.#deps = deps;
  }

  async list(query: ParkedQuery): Promise<ParkedPage> {
    const items: ReturnType<typeof summaryOf>[] = [];
    let { cursor } = query;
    for (let page = 0; page < pagesMax; page++) {
      const { rows, nextCursor } = await this.#page(this.#deps.reads, { ...query, limit: query.limit - items.length, cursor });
      const shown = await Promise.all(rows.map(async (row) => summaryOf(row, await this.#live(keyOf(row)))));
      // To the log an event is parked until somebody has dealt with it, also one whose read model was built anew since.
      items.push(...(query.state === 'parked' ? shown.filter(({ state }) => state !== 'gone') : shown));
      cursor = nextCursor ?? undefined;
      if (cursor === undefined || items.length >= query.limit) break;
    }
    return { items, nextCursor: cursor ?? null };
  }

  /** As of a moment: what the log told by then; what waits now has nothing to do with it. */
  async listPast(reads: ReadStore, query: ParkedQuery): Promise<ParkedPage> {
    const { rows, nextCursor } = await this.#page(reads, query);
    return { items: rows.map((row) => ({ ...summaryOf(row, undefined), state: toldOf(row) })), nextCursor };
  }

  #page(reads: ReadStore, query: ParkedQuery): Promise<NewestPage> {
    const { limit, cursor, type, ...rest } = query;
    const where = Object.entries({ ...rest, event_type: type }).flatMap(([column, value]): readonly ReadCondition[] =>
      value === undefined ? [] : [{ column, is: 'eq', value }],
    );
    return newestPage(reads, parkedEventTable, { where, by: 'recorded_at_ms', limit, cursor });
  }

  async show(key: ParkedKey, withRecord: boolean): Promise<object | undefined> {
    const row = await this.#row(key);
    if (row === undefined) return undefined;
    const live = await this.#live(key);
    const record = withRecord ? await this.#record(key) : undefined;
    return {
      ...summaryOf(row, live),
      stack: live?.failure.stack ?? String(row['stack'] ?? ''),
      next: live === undefined ? null : String(live.next),
      waiting: live === undefined || live.held === 0 ? [] : await this.#waiting(live),
      record: record === undefined ? null : { key: record.key, headers: record.headers, value: record.value.slice(0, valueMax) },
    };
  }

  /** Undefined when there never was such a one. */
  async state(key: ParkedKey): Promise<string | undefined> {
    const row = await this.#row(key);
    return row === undefined ? undefined : stateOf(row, await this.#live(key));
  }

  async #row({ topic, partition, offset, consumer }: ParkedKey): Promise<ReadRow | undefined> {
    const keys = [{ topic, partition, record_offset: BigInt(offset), consumer }];
    return (await this.#deps.reads.select(parkedEventTable, { keys, limit: 1 }))[0];
  }

  async #live({ topic, partition, offset, consumer }: ParkedKey): Promise<ParkedEvent | undefined> {
    const version = projectionOf(consumer);
    const found = version === undefined ? undefined : await this.#deps.parked.show({ ...version, topic, partition, offset: BigInt(offset) });
    return found?.state === 'parked' ? found : undefined;
  }

  async #record({ topic, partition, offset }: ParkedKey): Promise<StoredRecord | undefined> {
    const from = BigInt(offset);
    try {
      const { records } = await this.#deps.log.read(topic, partition, from, { recordsMax: 1, bytesMax: 1, waitMs: 0 });
      return records.find((record) => record.offset === from);
    } catch {
      return undefined;
    }
  }

  async #waiting(parked: ParkedEvent): Promise<readonly object[]> {
    const { topic, partition, offset, next } = parked;
    const from = next > offset ? next : offset + 1n;
    try {
      const { records } = await this.#deps.log.read(topic, partition, from, { recordsMax: lookedThroughMax, bytesMax: 8 * 1024 * 1024, waitMs: 0 });
      return records
        .filter((record) => isInQueue(parked, record))
        .slice(0, waitingMax)
        .map((record) => ({ offset: String(record.offset), eventId: record.headers['ce_id'] ?? '', eventType: record.headers['ce_type'] ?? '' }));
    } catch {
      return [];
    }
  }
}

function keyOf(row: ReadRow): ParkedKey {
  const { topic, partition, record_offset: offset, consumer } = row;
  return { topic: String(topic), partition: Number(partition), offset: String(offset), consumer: String(consumer) };
}

/** What the log told of it last. */
function toldOf(row: ReadRow): ParkedRowState {
  return String(row['state'] ?? 'parked') as ParkedRowState;
}

function stateOf(row: ReadRow, live: ParkedEvent | undefined): string {
  const told = toldOf(row);
  if (live?.order !== undefined && !live.orderFailed) return live.order.verb === 'discard' ? 'discarding' : 'retrying';
  if (live !== undefined) return told === 'retrying' || told === 'discarding' ? told : 'parked';
  return row['consumer'] !== '*' && told === 'parked' ? 'gone' : told;
}

function summaryOf(row: ReadRow, live: ParkedEvent | undefined) {
  const time = (column: string): string | null => isoTime(row[column] as bigint | null);
  return {
    id: parkedIdOf(keyOf(row)),
    state: stateOf(row, live),
    topic: row['topic'],
    partition: row['partition'],
    offset: String(row['record_offset']),
    consumer: row['consumer'],
    eventId: row['event_id'] ?? '',
    eventType: row['event_type'] ?? '',
    code: live?.failure.code ?? row['code'] ?? '',
    field: row['field'] ?? '',
    message: live?.failure.message ?? row['message'] ?? '',
    attempts: live?.attempts ?? row['attempts'] ?? 1,
    held: live?.held ?? 0,
    tenant: live?.tenant ?? null,
    key: live?.key ?? null,
    recordedAt: time('recorded_at_ms'),
    parkedAt: time('parked_at_ms'),
    stateBy: row['state_by'],
    stateNote: row['state_note'],
    stateAt: time('state_at_ms'),
  };
}
