import pg from 'pg';

/** Events per transaction, as in research/event-sourcing.md 2.2. */
export const batchEvents = 5000;

/** A table as somebody would make it by hand, and how its rows are joined. */
export interface PlainTable {
  readonly name: string;
  readonly columns: ReadonlyArray<readonly [name: string, type: string]>;
  readonly key: readonly string[];
  readonly set: readonly string[];
}

/** The columns of each batch, an array per column; what it does when it is asked counts. */
export type PlainBatches = ReadonlyArray<() => readonly unknown[][]>;

function upsertOf({ name, columns, key, set }: PlainTable): string {
  const arrays = columns.map(([, type], at) => `$${at + 1}::${type}[]`);
  return `INSERT INTO ${name} AS mine SELECT * FROM unnest(${arrays.join(', ')}) ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${set.join(', ')}`;
}

/**
 * What `pg` and the database do for a careful program that has read and decoded its events already: the peer of the
 * projection. One connection, an `unnest` upsert and a checkpoint per transaction. Events per second.
 */
export async function plainUpserts(url: string, table: PlainTable, batches: PlainBatches): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const columns = table.columns.map(([name, type]) => `${name} ${type}`);
    await client.query(`CREATE TABLE ${table.name} (${columns.join(', ')}, PRIMARY KEY (${table.key.join(', ')}))`);
    await client.query(`CREATE TABLE ${table.name}_checkpoint AS SELECT 0::bigint AS position`);
    const text = upsertOf(table);
    const started = performance.now();
    for (const [at, batch] of batches.entries()) {
      await client.query('BEGIN');
      await client.query({ name: 'upsert', text, values: [...batch()] });
      await client.query(`UPDATE ${table.name}_checkpoint SET position = $1 WHERE position = $2`, [(at + 1) * batchEvents, at * batchEvents]);
      await client.query('COMMIT');
    }
    return ((batches.length * batchEvents) / (performance.now() - started)) * 1000;
  } finally {
    await client.end();
  }
}
