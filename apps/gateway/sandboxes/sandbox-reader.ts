import { buildsOf, isBuilt, sandboxAggregate, sandboxAggregateId, sandboxBuildId, sandboxTable, type KnownSandbox, type SandboxState } from '#domain/operation';
import { OperatingError, type TableSpec } from '#kernel';
import {
  ReadStore,
  type AggregateStore,
  type BuildView,
  type ModelDifference,
  type ProjectionBuilds,
  type ReadQuery,
  type ReadRow,
  type ReadSnapshot,
} from '#ports';
import { isoTime } from '../http/fields.ts';
import { conflict, notFound } from '../http/problem.errors.ts';
import { readTables } from '../watch/read-models.ts';

export interface SandboxReaderDeps {
  readonly reads: ReadStore;
  readonly builds: ProjectionBuilds;
  readonly aggregates: AggregateStore;
}

export interface SandboxDifference {
  readonly difference: ModelDifference;
  /** Events that the log no longer held when the read model was built: rows that only they told of differ as removed. */
  readonly eventsGone: number;
}

/** The read models of one sandbox: each table is looked for in the build of its projection. */
class SandboxReadStore extends ReadStore {
  readonly #sandbox: KnownSandbox;
  readonly #builds: ProjectionBuilds;

  constructor(sandbox: KnownSandbox, builds: ProjectionBuilds) {
    super();
    this.#sandbox = sandbox;
    this.#builds = builds;
  }

  override select(table: TableSpec, query: ReadQuery): Promise<readonly ReadRow[]> {
    return this.#readsOf(table).select(table, query);
  }

  override snapshot(projection: string, table: TableSpec, query: ReadQuery): Promise<ReadSnapshot> {
    return this.#readsOf(table).snapshot(projection, table, query);
  }

  #readsOf(table: TableSpec): ReadStore {
    const { sandboxId, name, projections } = this.#sandbox;
    const projection = readTables.find((one) => one.table.name === table.name)?.projection.name ?? '';
    if (!projections.includes(projection))
      throw notFound('not-in-sandbox', `The sandbox ${name} has no ${table.name}: it has the read models ${projections.join(', ')}.`);
    return this.#builds.reads(sandboxBuildId(sandboxId, projection));
  }
}

/** What the API shows of sandboxes, and reads in them. */
export class SandboxReader {
  readonly #deps: SandboxReaderDeps;

  constructor(deps: SandboxReaderDeps) {
    this.#deps = deps;
  }

  async standing(): Promise<readonly KnownSandbox[]> {
    return (await this.#deps.aggregates.find(sandboxAggregate.context, 'stands', 'yes')).map(({ state }) => state as KnownSandbox);
  }

  /** @throws ProblemError 404 */
  async existing(name: string): Promise<KnownSandbox> {
    const state = (await this.#deps.aggregates.load(sandboxAggregate.context, sandboxAggregateId(name)))?.state as SandboxState | undefined;
    if (state === undefined || state.status === 'absent' || state.stands === 'no') throw unknownSandbox(name);
    return state;
  }

  async list(): Promise<readonly object[]> {
    const standing = await this.standing();
    const builds = await this.#deps.builds.among(standing.flatMap(buildsOf));
    return Promise.all(standing.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map((sandbox) => this.#view(sandbox, builds)));
  }

  async show(name: string): Promise<object> {
    const sandbox = await this.existing(name);
    return this.#view(sandbox, await this.#deps.builds.among(buildsOf(sandbox)));
  }

  /** The read models of a sandbox that is built. @throws ProblemError 404, 409 while it is not ready */
  async readsOf(name: string): Promise<ReadStore> {
    return new SandboxReadStore(await this.#ready(name), this.#deps.builds);
  }

  async difference(name: string, projection: string, samplesMax: number): Promise<SandboxDifference> {
    const { projections, sandboxId } = await this.#ready(name);
    if (!projections.includes(projection))
      throw notFound('not-in-sandbox', `The sandbox ${name} has no ${projection}: it has the read models ${projections.join(', ')}.`);
    try {
      const id = sandboxBuildId(sandboxId, projection);
      const [build] = await this.#deps.builds.among([id]);
      return { difference: await this.#deps.builds.difference(id, samplesMax), eventsGone: build?.progress?.eventsGone ?? 0 };
    } catch (error) {
      if (error instanceof OperatingError && error.code === 'BUILD_UNKNOWN') throw unknownSandbox(name);
      throw error;
    }
  }

  async #ready(name: string): Promise<KnownSandbox> {
    const sandbox = await this.existing(name);
    if (sandbox.status !== 'ready') throw conflict('sandbox-not-ready', `The sandbox ${name} is ${sandbox.status}.`);
    if (isLost(sandbox, await this.#deps.builds.among(buildsOf(sandbox)))) throw conflict('sandbox-not-ready', `The sandbox ${name} is ${builtAnew}.`);
    return sandbox;
  }

  async #view(sandbox: KnownSandbox, builds: readonly BuildView[]): Promise<object> {
    const { name, sandboxId, projections, fromMs, untilMs, expiresAtMs, reason } = sandbox;
    const lost = isLost(sandbox, builds);
    const status = lost ? 'building' : sandbox.status;
    const where = [
      { column: 'name', is: 'eq', value: name },
      { column: 'sandbox_id', is: 'eq', value: sandboxId },
    ] as const;
    const [row] = await this.#deps.reads.select(sandboxTable, { where, limit: 1 });
    const progress = projections.flatMap((projection) => {
      const found = builds.find(({ id }) => id === sandboxBuildId(sandboxId, projection))?.progress;
      if (found === undefined || found === null) return [];
      const { done, total, eventsPerSecond, eventsGone = 0 } = found;
      return [{ projection, done, total, eventsPerSecond, eventsGone }];
    });
    return {
      ...{ name, id: sandboxId, status, projections, from: isoTime(fromMs), until: isoTime(untilMs), expiresAt: isoTime(expiresAtMs), reason },
      createdBy: row?.['created_by'] ?? null,
      createdAt: isoTime((row?.['created_at_ms'] ?? null) as bigint | null),
      note: lost ? builtAnew : (row?.['failure'] ?? row?.['drop_reason'] ?? null),
      eventsGone: sandbox.status === 'ready' ? (sandbox.eventsGone ?? 0) : null,
      progress,
    };
  }
}

/** As of a sandbox that is being built for the first time, of what was lost nothing is shown. */
const builtAnew = 'built anew: the database is older than it, as one from a backup is';

function isLost(sandbox: KnownSandbox, builds: readonly BuildView[]): boolean {
  return sandbox.status === 'ready' && !isBuilt(sandbox, builds);
}

export function unknownSandbox(name: string): Error {
  return notFound('unknown-sandbox', `There is no sandbox ${name}.`);
}
