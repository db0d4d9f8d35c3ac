import { KeptErasures, type KeptErasure, type KeptErasureCount } from '#ports';
import { textArray } from './array-literal.ts';
import type { Database, TextRow } from './database.ts';

const columns = 'event_id, origin, subject, secret_check, heard_at_ms, erasure';

/** Erasures that wait, in `streams.kept_erasures`. */
export class PostgresKeptErasures extends KeptErasures {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  override async keep({ eventId, origin, subject, check, heardAtMs, order }: KeptErasure): Promise<void> {
    const text = `INSERT INTO streams.kept_erasures (${columns}) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (event_id) DO NOTHING`;
    await this.#database.read({ name: 'keep_erasure', text, values: [eventId, origin, subject, check, String(heardAtMs), JSON.stringify(order)] });
  }

  override async kept(limit: number, after?: string): Promise<readonly KeptErasure[]> {
    const text = `SELECT ${columns} FROM streams.kept_erasures
      WHERE place > coalesce((SELECT place FROM streams.kept_erasures WHERE event_id = $1), 0) ORDER BY place LIMIT $2`;
    return (await this.#database.read({ name: 'kept_erasures', text, values: [after ?? '', limit] })).rows.map(erasureOf);
  }

  override async of(origin: string, subject: string): Promise<readonly KeptErasure[]> {
    const text = `SELECT ${columns} FROM streams.kept_erasures WHERE origin = $1 AND subject = $2 ORDER BY place`;
    return (await this.#database.read({ name: 'kept_erasures_of', text, values: [origin, subject] })).rows.map(erasureOf);
  }

  override async settle(eventIds: readonly string[]): Promise<void> {
    if (eventIds.length === 0) return;
    await this.#database.read({ text: 'DELETE FROM streams.kept_erasures WHERE event_id = ANY ($1)', values: [textArray(eventIds)] });
  }

  override async counts(): Promise<readonly KeptErasureCount[]> {
    const text = `SELECT origin, secret_check, count(*), min(heard_at_ms) FROM streams.kept_erasures
      GROUP BY origin, secret_check ORDER BY origin COLLATE "C", secret_check COLLATE "C"`;
    const { rows } = await this.#database.read({ name: 'count_kept_erasures', text });
    return rows.map(([origin, check, count, oldest]) => ({ origin: origin ?? '', check: check ?? '', count: Number(count), oldestAtMs: Number(oldest) }));
  }
}

function erasureOf([eventId, origin, subject, check, heardAtMs, order]: TextRow): KeptErasure {
  return {
    eventId: eventId ?? '',
    origin: origin ?? '',
    subject: subject ?? '',
    check: check ?? '',
    heardAtMs: Number(heardAtMs),
    order: JSON.parse(order ?? '') as KeptErasure['order'],
  };
}
