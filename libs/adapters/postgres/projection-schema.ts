import type { DomainEvent } from '#events';
import { OperatingError, type Projection, type TableSpec } from '#kernel';
import type { Database, Statement, TextResult } from './database.ts';
import { checkProjection, createTableSql, createViewSql, schemaOf } from './table-sql.ts';

type Run = (statement: Statement) => Promise<TextResult>;

/** Serialises changes of schemas: "project" in base 36, cut to 31 bits. */
export const schemaLockId = 1_545_212_801;

/**
 * Makes the schema, tables and views of a projection's first version. While another version serves, nothing is made: a new
 * one is built beside it, and takes its place when it has caught up.
 * @returns whether the version has tables.
 * @throws OperatingError `PROJECTION_CHANGED`, `PROJECTION_INVALID`, `TABLE_TAKEN`
 */
export async function ensureSchema(database: Database, projection: Projection<DomainEvent>): Promise<boolean> {
  checkProjection(projection);
  return database.transaction(async (run) => {
    await run({ text: 'SELECT pg_advisory_xact_lock($1)', values: [schemaLockId] });
    if (await isMade(run, projection)) return true;
    const serving = await run({ text: 'SELECT FROM streams.projection_versions WHERE projection = $1 AND serving', values: [projection.name] });
    if (serving.count > 0) return false;
    const schema = schemaOf(projection);
    await run({ text: `CREATE SCHEMA ${schema}` });
    for (const table of projection.tables) for (const text of createTableSql(schema, table)) await run({ text });
    const values = [projection.name, projection.version, JSON.stringify(projection.tables)];
    await run({ text: 'INSERT INTO streams.projection_versions (projection, version, tables, serving) VALUES ($1, $2, $3, true)', values });
    await createViews(run, schema, projection.tables);
    return true;
  });
}

async function isMade(run: Run, { name, version, tables }: Projection<DomainEvent>): Promise<boolean> {
  const text = 'SELECT tables = $3::jsonb FROM streams.projection_versions WHERE projection = $1 AND version = $2';
  const same = (await run({ text, values: [name, version, JSON.stringify(tables)] })).rows[0]?.[0];
  if (same === undefined) return false;
  if (same === 't') return true;
  throw new OperatingError(`The tables of projection ${name} version ${version} are not those that were made before; a change needs a new version.`, {
    code: 'PROJECTION_CHANGED',
    retryable: false,
  });
}

/** What readers see. @throws OperatingError `TABLE_TAKEN` */
export async function createViews(run: Run, schema: string, tables: readonly TableSpec[]): Promise<void> {
  for (const table of tables) {
    const taken = await run({ text: 'SELECT to_regclass($1) IS NOT NULL', values: [`read."${table.name}"`] });
    if (taken.rows[0]?.[0] === 't')
      throw new OperatingError(`Another projection serves a table ${table.name} already.`, { code: 'TABLE_TAKEN', retryable: false });
    await run({ text: createViewSql(schema, table) });
  }
}
