import { OperatingError, type TableSpec } from '#kernel';
import type { BuildMove, ModelSwitch, Promote } from '#ports';
import { createViews, schemaLockId } from '../projection-schema.ts';
import { buildError, buildSchema, foldIn, lackOf, lockBuild, lockClaimed, mainSchema, servingOf, unknownBuild, type BuildRow, type Run } from './build-rows.ts';

/** How long readers may be kept waiting for one that is slow; the caller tries again. */
const readersWaitMs = 2000;

async function begin(run: Run): Promise<void> {
  await run({ text: `SET LOCAL lock_timeout = ${readersWaitMs}` });
  await run({ text: 'SELECT pg_advisory_xact_lock($1)', values: [schemaLockId] });
}

/**
 * The views come first: whoever reads is waited for before the consumer host is held up, and whoever comes later waits
 * for the end of this transaction and then sees the other tables. Then the checkpoints, so that every commit of the host
 * is either in the old tables, whole, or finds its checkpoint moved and begins anew.
 */
async function dropViews(run: Run, tables: readonly TableSpec[]): Promise<void> {
  for (const { name } of [...tables].sort((a, b) => (a.name < b.name ? -1 : 1))) await run({ text: `DROP VIEW IF EXISTS read."${name}"` });
}

function behind(id: string, moves: readonly BuildMove[]): OperatingError {
  const lag = moves.reduce((sum, { from, to }) => sum + (to - from), 0n);
  const worst = moves.reduce((most, move) => (move.to - move.from > most.to - most.from ? move : most));
  const where = `partition ${worst.topic}/${worst.partition} stands at ${worst.from}, ${worst.to - worst.from} events behind the ${worst.to} that readers see`;
  return new OperatingError(`The build ${id} is ${lag} events behind what serves: ${where}.`, { code: 'BUILD_BEHIND', retryable: true });
}

/** The build and what stands in the schema of its version change places, tables and positions alike. */
async function swapWithMain(run: Run, build: BuildRow, resident: BuildRow): Promise<void> {
  const main = mainSchema(build);
  await run({ text: `ALTER SCHEMA ${main} RENAME TO ${buildSchema(resident.id)}` });
  await run({ text: `ALTER SCHEMA ${build.schema} RENAME TO ${main}` });
  const keep = `INSERT INTO streams.build_positions (build, topic, partition, first, position)
    SELECT $1, topic, partition, first, position FROM streams.checkpoints WHERE projection = $2 AND version = $3`;
  await run({ text: 'DELETE FROM streams.build_positions WHERE build = $1', values: [resident.id] });
  await run({ text: keep, values: [resident.id, build.projection, build.version] });
  await run({ text: 'UPDATE streams.projection_builds SET schema_name = $2 WHERE build = $1', values: [resident.id, buildSchema(resident.id)] });
}

/**
 * The build's positions become the checkpoints of its version; their epochs stay those of the host. It has to claim them anew, also
 * where it stands at the very same place: what it knows of parked events is of the rows that were there.
 */
async function moveCheckpoints(run: Run, build: BuildRow): Promise<void> {
  const text = `INSERT INTO streams.checkpoints AS live (projection, version, topic, partition, first, position, epoch)
    SELECT $2, $3, topic, partition, first, position, 0 FROM streams.build_positions WHERE build = $1 ORDER BY topic, partition
    ON CONFLICT (projection, version, topic, partition) DO UPDATE SET first = excluded.first, position = excluded.position, switched = true, moved_at = clock_timestamp()`;
  await run({ text, values: [build.id, build.projection, build.version] });
  await run({ text: 'DELETE FROM streams.build_positions WHERE build = $1', values: [build.id] });
}

/** What was set aside goes with the rows that lack it: what is kept takes its parked events along, and brings them back. */
async function moveParked(run: Run, { projection, version }: BuildRow, from: string, to: string): Promise<void> {
  const text = 'UPDATE streams.parked_events SET shelf = $4 WHERE projection = $1 AND version = $2 AND shelf = $3';
  await run({ text, values: [projection, version, from, to] });
}

async function setServing(run: Run, build: BuildRow, replaced: BuildRow | undefined): Promise<void> {
  if (replaced !== undefined)
    await run({ text: `UPDATE streams.projection_builds SET state = 'kept', kept_at = clock_timestamp() WHERE build = $1`, values: [replaced.id] });
  await run({
    text: `UPDATE streams.projection_builds SET state = 'serving', kept_at = NULL, schema_name = $2 WHERE build = $1`,
    values: [build.id, mainSchema(build)],
  });
  await run({ text: 'UPDATE streams.projection_versions SET serving = false WHERE projection = $1 AND serving', values: [build.projection] });
  const text = `INSERT INTO streams.projection_versions (projection, version, tables, serving) VALUES ($1, $2, $3, true)
    ON CONFLICT (projection, version) DO UPDATE SET serving = true, tables = excluded.tables`;
  await run({ text, values: [build.projection, build.version, JSON.stringify(build.tables)] });
}

/** What stands in the schema of a version, as a build; the tables that the host made by itself get a name now. */
async function residentOf(run: Run, projection: string, version: number): Promise<BuildRow | undefined> {
  const schema = mainSchema({ projection, version });
  const found = await run({ text: `SELECT build FROM streams.projection_builds WHERE schema_name = $1 AND state <> 'dropped'`, values: [schema] });
  if (found.rows[0] !== undefined) return lockBuild(run, found.rows[0][0] ?? '');
  const text = `INSERT INTO streams.projection_builds (build, projection, version, schema_name, tables, whole, state, epoch, finished_at, kept_at)
    SELECT 'first-' || substr(md5(projection || version || clock_timestamp()), 1, 12), projection, version, $3, tables, true, 'kept', 0, clock_timestamp(), clock_timestamp()
    FROM streams.projection_versions WHERE projection = $1 AND version = $2 RETURNING build`;
  const made = await run({ text, values: [projection, version, schema] });
  return made.rows[0] === undefined ? undefined : lockBuild(run, made.rows[0][0] ?? '');
}

/** Within one transaction: see {@link import('#ports').ProjectionBuilds.promote}. */
export async function promoteBuild(run: Run, promotion: Promote): Promise<ModelSwitch> {
  await begin(run);
  const build = await lockClaimed(run, promotion);
  const serving = await servingOf(run, build.projection);
  const fromVersion = serving?.version ?? 0;
  if (build.state === 'serving') return { fromVersion, toVersion: build.version };
  if (build.state !== 'building') throw unknownBuild(build.id);
  if (!build.whole) throw buildError('BUILD_PARTIAL', `The build ${build.id} leaves out a part of the log, so it cannot serve.`);
  if (!build.finished) throw buildError('BUILD_BEHIND', `The build ${build.id} is not finished: its indexes are missing.`);
  await dropViews(run, serving?.tables ?? []);
  const resident = await residentOf(run, build.projection, build.version);
  const replaced = serving === undefined || serving.version === build.version ? resident : await residentOf(run, build.projection, serving.version);
  if (serving !== undefined) {
    const moves = await lackOf(run, build, serving.version, true);
    if (moves.reduce((sum, { from, to }) => sum + Number(to - from), 0) > promotion.behindMax) throw behind(build.id, moves);
    if (moves.length > 0) await foldIn(run, build, promotion.projection, moves, await promotion.fold(moves));
  }
  if (resident === undefined) await run({ text: `ALTER SCHEMA ${build.schema} RENAME TO ${mainSchema(build)}` });
  else {
    await swapWithMain(run, build, resident);
    await moveParked(run, build, '', resident.id);
  }
  await moveCheckpoints(run, build);
  await setServing(run, build, replaced);
  await run({ text: 'UPDATE streams.projection_builds SET replaced = $2 WHERE build = $1', values: [build.id, replaced?.id ?? null] });
  await createViews(run, mainSchema(build), build.tables);
  return { fromVersion, toVersion: build.version };
}

/** The build that readers see, and its version; of tables that the host made by itself the version alone. */
async function servingBuild(run: Run, projection: string): Promise<string | undefined> {
  const { rows } = await run({ text: `SELECT build FROM streams.projection_builds WHERE projection = $1 AND state = 'serving'`, values: [projection] });
  return rows[0]?.[0] ?? undefined;
}

function notServing(id: string, serving: string | undefined): OperatingError {
  const instead = serving === undefined ? '' : ` ${serving} does: roll that one back first.`;
  return buildError('BUILD_NOT_SERVING', `The build ${id} does not serve, so there is nothing to roll back.${instead}`);
}

/** Within one transaction: see {@link import('#ports').ProjectionBuilds.rollBack}. */
export async function rollBackBuild(run: Run, id: string): Promise<ModelSwitch> {
  await begin(run);
  const build = await lockBuild(run, id);
  // It was done, and whoever asked for it ended before it could say so.
  if (build.rolledBackTo !== null) return { fromVersion: build.version, toVersion: build.rolledBackTo };
  if (build.state !== 'serving') throw notServing(id, await servingBuild(run, build.projection));
  const before = build.replaced === null ? undefined : await lockBuild(run, build.replaced);
  if (before?.state !== 'kept') throw buildError('BUILD_NOT_KEPT', `What served before the build ${id} is no longer kept.`);
  await dropViews(run, build.tables);
  const hold = 'SELECT FROM streams.checkpoints WHERE projection = $1 AND version = ANY ($2::integer[]) ORDER BY version, topic, partition FOR UPDATE';
  await run({ text: hold, values: [build.projection, `{${build.version},${before.version}}`] });
  if (before.schema !== mainSchema(before)) {
    await swapWithMain(run, before, build);
    await moveParked(run, before, '', build.id);
    await moveParked(run, before, before.id, '');
    await moveCheckpoints(run, before);
  }
  await setServing(run, before, build);
  await run({ text: 'UPDATE streams.projection_builds SET rolled_back_to = $2 WHERE build = $1', values: [build.id, before.version] });
  await createViews(run, mainSchema(before), before.tables);
  return { fromVersion: build.version, toVersion: before.version };
}
