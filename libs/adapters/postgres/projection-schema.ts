import type { DomainEvent } from '#events';
import { OperatingError, type Projection, type TableSpec } from '#kernel';
import type { Database, Statement, TextResult } from './database.ts';
import { checkProjection, createTableSql, createViewSql, schemaOf } from './table-sql.ts';

type Run = (statement: Statement) => Promise<TextResult>;

/** Serialises changes of schemas: "project" in base 36, cut to 31 bits. */
export const schemaLockId = 1_545_212_801;

/**
 * Makes the schema, tables and views of a version, if they are not there. The newest version that was ever made is the
 * one that readers see.
 * @throws OperatingError `PROJECTION_CHANGED`, `PROJECTION_INVALID`, `TABLE_TAKEN`
 */
export async function ensureSchema(database: Database, projection: Projection<DomainEvent>): Promise<void> {
  checkProjection(projection);
  await database.transaction(async (run) => {
    await run({ text: 'SELECT pg_advisory_xact_lock($1)', values: [schemaLockId] });
    if (await isMade(run, projection)) return;
    const schema = schemaOf(projection);
    await run({ text: `CREATE SCHEMA ${schema}` });
    for (const table of projection.tables) for (const text of createTableSql(schema, table)) await run({ text });
    const values = [projection.name, projection.version, JSON.stringify(projection.tables)];
    await run({ text: 'INSERT INTO streams.projection_versions (projection, version, tables, serving) VALUES ($1, $2, $3, false)', values });
    await serveNewest(run, projection);
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

/** Lets readers see this version, unless a newer one serves. */
async function serveNewest(run: Run, projection: Projection<DomainEvent>): Promise<void> {
  const text = 'SELECT version, tables FROM streams.projection_versions WHERE projection = $1 AND serving';
  const serving = (await run({ text, values: [projection.name] })).rows[0];
  if (serving !== undefined && Number(serving[0]) > projection.version) return;
  for (const { name } of JSON.parse(serving?.[1] ?? '[]') as readonly TableSpec[]) await run({ text: `DROP VIEW IF EXISTS read."${name}"` });
  for (const table of projection.tables) {
    const taken = await run({ text: 'SELECT to_regclass($1) IS NOT NULL', values: [`read."${table.name}"`] });
    if (taken.rows[0]?.[0] === 't')
      throw new OperatingError(`Another projection serves a table ${table.name} already.`, { code: 'TABLE_TAKEN', retryable: false });
    await run({ text: createViewSql(schemaOf(projection), table) });
  }
  await run({
    text: 'UPDATE streams.projection_versions SET serving = (version = $2) WHERE projection = $1 AND serving <> (version = $2)',
    values: [projection.name, projection.version],
  });
}
