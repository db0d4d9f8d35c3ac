import type { DomainEvent } from '#events';
import type { Projection } from '#kernel';
import {
  ParkedEvents,
  type LateEvent,
  type ParkedEvent,
  type ParkedFilter,
  type ParkedOrder,
  type ParkedPlace,
  type ParkedState,
  type ProjectionPartition,
} from '#ports';
import type { Database, TextRow } from '../database.ts';
import { readQueue, storedKey } from './parked-steps.ts';

const columns = `projection, version, topic, partition, record_offset, key, event_id, event_type, recorded_at_ms, code, message, stack, attempts,
  (extract(epoch FROM parked_at) * 1000)::bigint, late, state, next, greatest(held, 0), applied, order_id, order_verb, order_failed, told`;
/** The column is the tenant's line and the key, or the key alone. */
const keyAlone = `substr(key, strpos(key, chr(10)) + 1)`;
const standing = `state = 'parked' AND shelf = ''`;
const thePlace = `projection = $1 AND version = $2 AND topic = $3 AND partition = $4 AND record_offset = $5 AND shelf = ''`;

export class PostgresParkedEvents extends ParkedEvents {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  override blocking({ name, version }: Projection<DomainEvent>, { topic, partition }: ProjectionPartition): Promise<readonly ParkedEvent[]> {
    const where = `${standing} AND projection = $1 AND version = $2 AND topic = $3 AND partition = $4`;
    return this.#select('blocking_parked', `WHERE ${where} ORDER BY record_offset`, [name, version, topic, partition]);
  }

  override list({ projection, topic, key, limit }: ParkedFilter): Promise<readonly ParkedEvent[]> {
    const where = `${standing} AND NOT late AND ($1::text IS NULL OR projection = $1) AND ($2::text IS NULL OR topic = $2) AND ($3::text IS NULL OR ${keyAlone} = $3)`;
    const values = [projection ?? null, topic ?? null, key === undefined ? null : storedKey(key), limit];
    return this.#select('list_parked', `WHERE ${where} ORDER BY parked_at, projection, topic, partition, record_offset LIMIT $4`, values);
  }

  override async show(place: ParkedPlace): Promise<ParkedEvent | undefined> {
    return (await this.#select('show_parked', `WHERE ${thePlace}`, valuesOf(place)))[0];
  }

  override async order(place: ParkedPlace, { id, verb }: ParkedOrder): Promise<boolean> {
    const text = `UPDATE streams.parked_events SET order_id = $6, order_verb = $7
      WHERE ${thePlace} AND state = 'parked' AND NOT late AND (order_id IS NULL OR order_id = $6)`;
    return (await this.#database.read({ name: 'order_parked', text, values: [...valuesOf(place), id, verb] })).count > 0;
  }

  override async orderLate(late: LateEvent, order: ParkedOrder, versions: ReadonlyArray<Pick<ParkedPlace, 'projection' | 'version'>>): Promise<number> {
    const passed = `SELECT projection, version, topic, partition FROM streams.checkpoints
      JOIN unnest($3::text[], $4::integer[]) AS one (projection, version) USING (projection, version)
      WHERE topic = $1 AND partition = $2 AND position > $5`;
    const insert = `INSERT INTO streams.parked_events (projection, version, topic, partition, record_offset, key, event_id, event_type, recorded_at_ms,
        code, message, stack, attempts, late, next, told, order_id, order_verb)
      SELECT projection, version, topic, partition, $5::bigint, '', $6, $7, $8::bigint, '', '', '', 0, true, $5::bigint, true, $9, $10 FROM passed
      ON CONFLICT DO NOTHING`;
    const { topic, partition, offset, eventId, eventType, recordedAtMs } = late;
    const names = [versions.map(({ projection }) => projection), versions.map(({ version }) => version)];
    const text = `WITH passed AS (${passed}), made AS (${insert}) SELECT count(*) FROM passed`;
    const values = [topic, partition, ...names, String(offset), eventId, eventType, recordedAtMs, order.id, order.verb];
    return Number((await this.#database.read({ name: 'order_late', text, values })).rows[0]?.[0] ?? 0);
  }

  override ordered(): Promise<readonly ParkedEvent[]> {
    return this.#select('ordered_parked', `WHERE order_id IS NOT NULL AND NOT order_failed AND ${standing} ORDER BY parked_at LIMIT 10000`, []);
  }

  override untold(limit: number): Promise<readonly ParkedEvent[]> {
    return this.#select('untold_parked', `WHERE (NOT told OR state <> 'parked' OR order_failed) AND shelf = '' ORDER BY parked_at LIMIT $1`, [limit]);
  }

  override async told(seen: ParkedEvent): Promise<void> {
    if (seen.state !== 'parked' || (seen.late && seen.orderFailed)) {
      await this.#database.read({ text: `DELETE FROM streams.parked_events WHERE ${thePlace}`, values: valuesOf(seen) });
      return;
    }
    // Only what was seen is told: another order may have failed since.
    const done = 'order_failed AND $6 AND order_id IS NOT DISTINCT FROM $7';
    const text = `UPDATE streams.parked_events SET told = true, order_failed = order_failed AND NOT (${done}),
        order_id = CASE WHEN ${done} THEN NULL ELSE order_id END, order_verb = CASE WHEN ${done} THEN NULL ELSE order_verb END WHERE ${thePlace}`;
    await this.#database.read({ name: 'told_parked', text, values: [...valuesOf(seen), seen.orderFailed, seen.order?.id ?? null] });
  }

  async #select(name: string, rest: string, values: readonly unknown[]): Promise<readonly ParkedEvent[]> {
    const { rows } = await this.#database.read({ name, text: `SELECT ${columns} FROM streams.parked_events ${rest}`, values });
    return rows.map(parkedOf);
  }
}

function valuesOf({ projection, version, topic, partition, offset }: ParkedPlace): readonly unknown[] {
  return [projection, version, topic, partition, String(offset)];
}

function parkedOf(row: TextRow): ParkedEvent {
  const text = (at: number): string => row[at] ?? '';
  const [orderId, verb] = [row[19] ?? undefined, row[20] ?? undefined];
  return {
    ...{ projection: text(0), version: Number(row[1]), topic: text(2), partition: Number(row[3]), offset: BigInt(text(4)) },
    ...{ ...readQueue(text(5)), eventId: text(6), eventType: text(7), recordedAtMs: Number(row[8]) },
    failure: { code: text(9), message: text(10), stack: text(11) },
    ...{ attempts: Number(row[12]), parkedAtMs: Number(row[13]), late: row[14] === 't', state: text(15) as ParkedState },
    ...{ next: BigInt(text(16)), held: Number(row[17]), applied: Number(row[18]) },
    order: orderId === undefined ? undefined : { id: orderId, verb: verb === 'discard' ? 'discard' : 'retry' },
    ...{ orderFailed: row[21] === 't', told: row[22] === 't' },
  };
}
