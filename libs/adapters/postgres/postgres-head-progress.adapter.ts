import type { Context } from '#events';
import { HeadProgress, type EffectOutcome, type IdentifiedHead, type OutboxCount, type OutboxRestart, type SeenPartition } from '#ports';
import { textArray } from './array-literal.ts';
import type { Database } from './database.ts';
import { insertHeads } from './insert-heads.ts';

/** Reads `streams.outbox_state`, `streams.outbox_topics` and `streams.restored_heads`. */
export class PostgresHeadProgress extends HeadProgress {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  override async counted(): Promise<OutboxCount> {
    const text = `
      SELECT incarnation, topic, outbox_topics.last FROM streams.outbox_state LEFT JOIN streams.outbox_topics ON true`;
    const { rows } = await this.#database.run({ text, values: [] });
    const last = rows.flatMap(([, topic, count]) => (topic === undefined || topic === null ? [] : [[topic, BigInt(count ?? 0)] as const]));
    return { incarnation: BigInt(rows[0]?.[0] ?? 0), last: new Map(last) };
  }

  override async seen(context: Context): Promise<ReadonlyMap<number, bigint>> {
    const text = 'SELECT partition, position FROM streams.restored_heads WHERE context = $1 AND position IS NOT NULL';
    const { rows } = await this.#database.run({ text, values: [context] });
    return new Map(rows.map(([partition, position]) => [Number(partition), BigInt(position ?? 0)]));
  }

  override async note(seen: readonly SeenPartition[]): Promise<void> {
    if (seen.length > 0) await this.#database.run({ text: noteSql(1), values: noteValues(seen) });
  }

  override async advance(context: Context, heads: readonly IdentifiedHead[]): Promise<number> {
    const statement = insertHeads(
      context,
      heads,
      'DO UPDATE SET version = excluded.version, state = excluded.state, changed_at = now() WHERE mine.version < excluded.version',
    );
    return (await this.#database.run(statement)).count;
  }

  override async settle(over: ReadonlyMap<string, EffectOutcome>): Promise<void> {
    const text = `
      WITH over AS (
        SELECT * FROM unnest($1::text[], $2::text[]) AS told (key, outcome)
      ), ended AS (
        UPDATE streams.effects AS mine SET state = over.outcome, queued_at = NULL, claimed_by = NULL, claimed_until = NULL, ended_at = clock_timestamp()
        FROM over WHERE mine.key = over.key AND mine.state = 'pending'
      )
      INSERT INTO streams.effects_over (key, outcome)
        SELECT key, outcome FROM over WHERE NOT EXISTS (SELECT FROM streams.effects AS mine WHERE mine.key = over.key)
        ON CONFLICT (key) DO UPDATE SET outcome = excluded.outcome`;
    if (over.size > 0) await this.#database.run({ text, values: [textArray([...over.keys()]), textArray([...over.values()])] });
  }

  override async waiting(): Promise<ReadonlySet<string>> {
    const { rows } = await this.#database.run({ text: `SELECT headers ->> 'ce_id' FROM streams.outbox`, values: [] });
    return new Set(rows.map(([id]) => id ?? ''));
  }

  override async restart({ incarnation, above, written }: OutboxRestart): Promise<number | undefined> {
    const text = `
      WITH renewed AS (
        UPDATE streams.outbox_state SET incarnation = greatest((extract(epoch FROM clock_timestamp()) * 1000)::bigint, incarnation + 1, $2::bigint + 1)
        WHERE incarnation = $1::bigint RETURNING true
      ), dropped AS (
        DELETE FROM streams.outbox WHERE EXISTS (SELECT FROM renewed) AND headers ->> 'ce_id' = ANY ($3::text[]) RETURNING true
      )
      SELECT (SELECT count(*) FROM renewed), (SELECT count(*) FROM dropped)`;
    const { rows } = await this.#database.run({ text, values: [String(incarnation), String(above), textArray(written)] });
    return rows[0]?.[0] === '1' ? Number(rows[0][1] ?? 0) : undefined;
  }
}

/** Takes {@link noteValues} from the parameter of this number on. */
export function noteSql(from: number): string {
  return `
    UPDATE streams.restored_heads AS known SET position = reached.position
    FROM unnest($${from}::text[], $${from + 1}::int[], $${from + 2}::bigint[]) AS reached (context, partition, position)
    WHERE known.context = reached.context AND known.partition = reached.partition AND coalesce(known.position, -1) < reached.position`;
}

export function noteValues(seen: readonly SeenPartition[]): readonly [string, string, string] {
  return [
    textArray(seen.map(({ context }) => context)),
    textArray(seen.map(({ partition }) => String(partition))),
    textArray(seen.map(({ position }) => String(position))),
  ];
}
