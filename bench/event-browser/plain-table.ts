import type { Database } from '#adapters/postgres';

type Question = Readonly<Record<string, string>>;

const equal: Readonly<Record<string, string>> = { context: 'topic', tenant: 'tenant', actor: 'actor', correlationId: 'correlation', causationId: 'causation' };
const indexed = ['topic', 'tenant', 'actor', 'subject text_pattern_ops', 'correlation', 'causation'];

/**
 * What one would write without thinking of ten million rows: the same events in a plain table, each filter with a b-tree of it and
 * the time. It is asked in SQL, without payloads, HTTP or masking.
 */
export class PlainTable {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  /** A copy of the index as it stands. */
  static async of(database: Database): Promise<PlainTable> {
    const run = (text: string): Promise<unknown> => database.run({ text });
    await run('CREATE SCHEMA plain');
    await run(`
      CREATE UNLOGGED TABLE plain.events AS
      SELECT recorded_at, event.id, correlation, causation, happened_at, record_offset, split_part(types.term, '/', 1) AS topic, types.term AS type,
        tenants.term AS tenant, actors.term AS actor, lane % 256 AS partition, subject
      FROM streams.event_index AS event JOIN streams.event_index_terms AS types ON types.id = event.type
        JOIN streams.event_index_terms AS tenants ON tenants.id = event.tenant JOIN streams.event_index_terms AS actors ON actors.id = event.actor`);
    await run('CREATE INDEX ON plain.events (recorded_at)');
    await run('CREATE UNIQUE INDEX ON plain.events (id)');
    for (const column of indexed) await run(`CREATE INDEX ON plain.events (${column}, recorded_at)`);
    await run('VACUUM ANALYZE plain.events');
    return new PlainTable(database);
  }

  /** Undefined for a question that SQL cannot be asked without the payloads. */
  page({ subject, since, until, where, ...rest }: Question): (() => Promise<unknown>) | undefined {
    if (where !== undefined) return undefined;
    const values: unknown[] = [];
    const value = (of: unknown): string => `$${values.push(of)}`;
    const conditions = Object.entries(rest).map(([name, of]) => `${equal[name]} = ${value(of)}`);
    if (subject !== undefined) conditions.push(`(subject = ${value(subject)} OR subject LIKE ${value(`${subject}/%`)})`);
    if (since !== undefined) conditions.push(`recorded_at >= ${value(Date.parse(since))}`);
    if (until !== undefined) conditions.push(`recorded_at < ${value(Date.parse(until))}`);
    const filter = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const text = `SELECT * FROM plain.events ${filter} ORDER BY recorded_at DESC LIMIT 50`;
    return () => this.#database.run({ text, values: values as string[] });
  }

  /** Everything that came of an event. */
  tree(root: string): Promise<unknown> {
    const text = `
      WITH RECURSIVE found AS (SELECT * FROM plain.events WHERE id = $1 UNION SELECT more.* FROM found JOIN plain.events AS more ON more.causation = found.id)
      SELECT * FROM found`;
    return this.#database.run({ text, values: [root] });
  }

  /** Bytes of table and indexes. */
  async bytes(): Promise<readonly [number, number]> {
    const { rows } = await this.#database.run({ text: "SELECT pg_table_size('plain.events'), pg_indexes_size('plain.events')" });
    return [Number(rows[0]?.[0]), Number(rows[0]?.[1])];
  }
}
