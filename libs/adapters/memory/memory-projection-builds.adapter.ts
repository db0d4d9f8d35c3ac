import { OperatingError } from '#kernel';
import {
  ProjectionBuilds,
  type BuildClaim,
  type BuildLoad,
  poisonedMax,
  type BuildMove,
  type BuildStep,
  type PassedOver,
  type BuildProgress,
  type BuildState,
  type BuildView,
  type Clock,
  type Compare,
  type ModelDifference,
  type ModelSwitch,
  type NewBuild,
  type ParkedEvent,
  type Promote,
  type ReadStore,
  type VersionView,
} from '#ports';
import { compareMemoryTables } from './memory-compare.ts';
import type { MemoryModel, MemoryPosition, MemoryProjectionStore } from './memory-projection-store.adapter.ts';
import { MemoryBuildReads } from './memory-build-reads.adapter.ts';
import { MemoryTables } from './memory-tables.ts';

interface Build {
  readonly id: string;
  readonly madeAtMs: number;
  readonly whole: boolean;
  readonly starts: ReadonlyMap<string, bigint>;
  tables: MemoryTables;
  positions: readonly MemoryPosition[];
  /** What it has passed over, by place. */
  passed: ReadonlyMap<string, PassedOver>;
  /** What was set aside beside its rows, while it is kept. */
  parked: readonly ParkedEvent[];
  state: BuildState;
  epoch: bigint;
  finished: boolean;
  /** Its tables are those of its version in the store, where the host feeds them. */
  inPlace: boolean;
  replaced: string | null;
  rolledBackTo: number | null;
  keptAtMs: number | null;
  progress: BuildProgress | null;
  difference: ModelDifference | null;
}

const nothingPassed: PassedOver = { skipped: 0, poisoned: [] };

function placeOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`;
}

function buildError(code: string, message: string): OperatingError {
  return new OperatingError(message, { code, retryable: code === 'BUILD_BEHIND' });
}

/** Builds beside the read models of a {@link MemoryProjectionStore}. */
export class MemoryProjectionBuilds extends ProjectionBuilds {
  readonly #store: MemoryProjectionStore;
  readonly #clock: Clock;
  readonly #builds = new Map<string, Build>();

  constructor(store: MemoryProjectionStore, clock: Clock) {
    super();
    this.#store = store;
    this.#clock = clock;
  }

  override async create({ id, projection, epoch, starts, whole }: NewBuild): Promise<BuildView> {
    const known = this.#builds.get(id);
    if (known !== undefined) {
      if (known.epoch > epoch) throw buildError('BUILD_FENCED', `A newer owner works on the build ${id}.`);
      known.epoch = epoch;
      this.#claimed({ id, projection, epoch });
      return viewOf(known);
    }
    const build: Build = {
      ...{ id, whole, epoch, madeAtMs: this.#clock.now(), tables: new MemoryTables(projection), state: 'building' },
      starts: new Map(starts.map((start) => [placeOf(start), start.first])),
      positions: starts.map(({ topic, partition, first }) => ({ topic, partition, position: first, first })),
      ...{ parked: [], passed: new Map() },
      ...{ finished: false, inPlace: false, replaced: null, rolledBackTo: null, keptAtMs: null, progress: null, difference: null },
    };
    this.#builds.set(id, build);
    return viewOf(build);
  }

  override async load(load: BuildLoad): Promise<void> {
    const build = this.#builds.get(load.id);
    const stands = (move: BuildMove): boolean => build?.positions.some((at) => placeOf(at) === placeOf(move) && at.position === move.from) === true;
    if (build === undefined || build.state !== 'building' || build.epoch !== load.epoch || !load.moves.every(stands))
      throw buildError('BUILD_FENCED', `The build ${load.id} has moved on, or a newer owner works on it.`);
    build.tables.join(load.changes);
    move(build, load.moves);
    passOver(build, load.moves);
  }

  override async finish(claim: BuildClaim): Promise<void> {
    this.#claimed(claim).finished = true;
  }

  override async note({ id, epoch }: BuildClaim, progress: BuildProgress): Promise<void> {
    const build = this.#builds.get(id);
    if (build?.epoch === epoch) build.progress = progress;
  }

  override async promote(promotion: Promote): Promise<ModelSwitch> {
    const build = this.#claimed(promotion);
    const { name, version } = build.tables.projection;
    const fromVersion = this.#store.servingVersion(name);
    if (build.state === 'serving') return { fromVersion, toVersion: version };
    if (!build.whole) throw buildError('BUILD_PARTIAL', `The build ${build.id} leaves out a part of the log, so it cannot serve.`);
    if (!build.finished) throw buildError('BUILD_BEHIND', `The build ${build.id} is not finished: its indexes are missing.`);
    await this.#catchUp(build, promotion, promotion.behindMax);
    const replaced = this.#keepServing(name);
    const resident = this.#store.exchange(build.tables, build.positions, build.parked);
    if (resident !== undefined) this.#moveOut(resident);
    Object.assign(build, { state: 'serving', inPlace: true, replaced: replaced?.id ?? null });
    this.#store.serve(name, version);
    return { fromVersion, toVersion: version };
  }

  override async rollBack(id: string): Promise<ModelSwitch> {
    const build = this.#found(id);
    if (build.rolledBackTo !== null) return { fromVersion: build.tables.projection.version, toVersion: build.rolledBackTo };
    if (build.state !== 'serving') throw this.#notServing(build);
    const before = this.#builds.get(build.replaced ?? '');
    if (before?.state !== 'kept') throw buildError('BUILD_NOT_KEPT', `What served before the build ${id} is no longer kept.`);
    const { name, version: fromVersion } = build.tables.projection;
    if (!before.inPlace) {
      const current = this.#store.exchange(before.tables, before.positions, before.parked);
      if (current !== undefined) Object.assign(build, { ...current, inPlace: false });
      before.inPlace = true;
    }
    Object.assign(build, { state: 'kept', keptAtMs: this.#clock.now() });
    Object.assign(before, { state: 'serving', keptAtMs: null });
    const toVersion = before.tables.projection.version;
    this.#store.serve(name, toVersion);
    build.rolledBackTo = toVersion;
    return { fromVersion, toVersion };
  }

  #notServing({ id, tables }: Build): OperatingError {
    const serving = [...this.#builds.values()].find((one) => one.state === 'serving' && one.tables.projection.name === tables.projection.name);
    const instead = serving === undefined ? '' : ` ${serving.id} does: roll that one back first.`;
    return buildError('BUILD_NOT_SERVING', `The build ${id} does not serve, so there is nothing to roll back.${instead}`);
  }

  override async compare(comparison: Compare): Promise<ModelDifference> {
    const build = this.#claimed(comparison);
    const { name, version } = build.tables.projection;
    const servingVersion = this.#store.servingVersion(name);
    if (build.whole) await this.#catchUp(build, comparison, Number.MAX_SAFE_INTEGER);
    const serving = this.#tablesOf(name, servingVersion);
    if (serving === undefined) throw buildError('BUILD_NOT_SERVING', `No version of ${name} serves, so there is nothing to compare with.`);
    const compared = compareMemoryTables(serving, build.tables, comparison.samplesMax);
    build.difference = { servingVersion, rebuiltVersion: version, comparedAtMs: this.#clock.now(), ...compared };
    return build.difference;
  }

  override async difference(id: string, samplesMax: number): Promise<ModelDifference> {
    const build = this.#found(id);
    const { name, version } = build.tables.projection;
    const servingVersion = this.#store.servingVersion(name);
    const serving = this.#tablesOf(name, servingVersion);
    if (serving === undefined) throw buildError('BUILD_NOT_SERVING', `No version of ${name} serves, so there is nothing to compare with.`);
    const compared = compareMemoryTables(serving, build.tables, samplesMax);
    return { servingVersion, rebuiltVersion: version, comparedAtMs: this.#clock.now(), ...compared };
  }

  override reads(id: string): ReadStore {
    return new MemoryBuildReads(() => {
      const { tables, positions } = this.#found(id);
      return { tables, positions };
    });
  }

  override async forget(id: string): Promise<void> {
    await this.drop(id);
    if (this.#builds.get(id)?.state === 'dropped') this.#builds.delete(id);
  }

  override async drop(id: string): Promise<void> {
    const build = this.#builds.get(id);
    if (build === undefined || build.state === 'dropped') return;
    if (build.state === 'serving') throw buildError('BUILD_FENCED', `The build ${id} serves; it is not dropped.`);
    if (build.inPlace) this.#store.forget(build.tables.projection);
    Object.assign(build, { state: 'dropped', positions: [], tables: new MemoryTables(build.tables.projection) });
  }

  override async expire(keptBeforeMs: number): Promise<readonly string[]> {
    const ids = [...this.#builds.values()].filter(({ state, keptAtMs }) => state === 'kept' && (keptAtMs ?? Infinity) < keptBeforeMs).map(({ id }) => id);
    for (const id of ids) await this.drop(id);
    return ids;
  }

  override async show(id: string): Promise<BuildView | undefined> {
    const build = this.#builds.get(id);
    return build === undefined ? undefined : viewOf(build);
  }

  override async list(projection?: string): Promise<readonly BuildView[]> {
    const views = [...this.#builds.values()].map((build) => ({ ...viewOf(build), difference: null }));
    return views.filter((view) => projection === undefined || view.projection === projection).reverse();
  }

  override async among(ids: readonly string[]): Promise<readonly BuildView[]> {
    return (await this.list()).filter(({ id }) => ids.includes(id));
  }

  override async versions(): Promise<readonly VersionView[]> {
    return this.#store.made.map(({ projection: { name, version } }) => ({
      projection: name,
      version,
      serving: this.#store.servingVersion(name) === version,
      begins: this.#store.positionsOf(name, version).flatMap(({ topic, partition, first = 0n }) => (first > 0n ? [{ topic, partition, first }] : [])),
    }));
  }

  #found(id: string): Build {
    const build = this.#builds.get(id);
    if (build === undefined || build.state === 'dropped') throw buildError('BUILD_UNKNOWN', `There is no build ${id}, or it was dropped.`);
    return build;
  }

  #claimed({ id, projection, epoch }: BuildClaim): Build {
    const build = this.#found(id);
    if (build.epoch !== epoch) throw buildError('BUILD_FENCED', `A newer owner works on the build ${id}.`);
    const made = build.tables.projection;
    if (made.name !== projection.name || made.version !== projection.version || JSON.stringify(made.tables) !== JSON.stringify(projection.tables))
      throw buildError('BUILD_CHANGED', `The build ${id} is of ${made.name} version ${made.version}, and made by other code.`);
    return build;
  }

  #lackOf(build: Build): readonly BuildMove[] {
    const { name } = build.tables.projection;
    const live = new Map(this.#store.positionsOf(name, this.#store.servingVersion(name)).map((at) => [placeOf(at), at.position]));
    return build.positions.flatMap(({ topic, partition, position }) => {
      const to = live.get(placeOf({ topic, partition })) ?? 0n;
      return to > position ? [{ topic, partition, from: position, to }] : [];
    });
  }

  /** Folds in what is missing until, at a moment at which nothing else runs, nothing is. */
  async #catchUp(build: Build, { fold }: Pick<Promote, 'fold'>, behindMax: number): Promise<void> {
    for (let moves = this.#lackOf(build); moves.length > 0; moves = this.#lackOf(build)) {
      if (moves.reduce((sum, { from, to }) => sum + Number(to - from), 0) > behindMax) throw behind(build.id, moves);
      build.tables.join(await fold(moves));
      move(build, moves);
    }
  }

  #tablesOf(projection: string, version: number): MemoryTables | undefined {
    return this.#store.made.find((made) => made.projection.name === projection && made.projection.version === version);
  }

  /** What serves becomes what is kept. */
  #keepServing(projection: string): Build | undefined {
    const tables = this.#tablesOf(projection, this.#store.servingVersion(projection));
    if (tables === undefined) return undefined;
    const known = [...this.#builds.values()].find((build) => build.inPlace && build.tables === tables);
    const kept: Build = known ?? {
      ...{
        id: `first-${this.#builds.size}`,
        whole: true,
        epoch: 0n,
        madeAtMs: this.#clock.now(),
        tables,
        positions: [],
        passed: new Map(),
        parked: [],
        starts: new Map(),
      },
      ...{ state: 'kept', finished: true, inPlace: true, replaced: null, rolledBackTo: null, keptAtMs: null, progress: null, difference: null },
    };
    Object.assign(kept, { state: 'kept', keptAtMs: this.#clock.now() });
    this.#builds.set(kept.id, kept);
    return kept;
  }

  #moveOut(model: MemoryModel): void {
    for (const build of this.#builds.values()) if (build.tables === model.tables) Object.assign(build, { inPlace: false, ...model });
  }
}

function move(build: Build, moves: readonly BuildMove[]): void {
  const to = new Map(moves.map((one) => [placeOf(one), one.to]));
  build.positions = build.positions.map((at) => ({ ...at, position: to.get(placeOf(at)) ?? at.position }));
}

function passOver(build: Build, steps: readonly BuildStep[]): void {
  const passed = new Map(build.passed);
  for (const step of steps) {
    const before = passed.get(placeOf(step)) ?? nothingPassed;
    const poisoned = [...before.poisoned, ...step.poisoned].slice(0, poisonedMax);
    passed.set(placeOf(step), { skipped: before.skipped + step.skipped, poisoned });
  }
  build.passed = passed;
}

function behind(id: string, moves: readonly BuildMove[]): OperatingError {
  const lag = moves.reduce((sum, { from, to }) => sum + (to - from), 0n);
  const worst = moves.reduce((most, one) => (one.to - one.from > most.to - most.from ? one : most));
  const where = `partition ${placeOf(worst)} stands at ${worst.from}, ${worst.to - worst.from} events behind the ${worst.to} that readers see`;
  return buildError('BUILD_BEHIND', `The build ${id} is ${lag} events behind what serves: ${where}.`);
}

function viewOf(build: Build): BuildView {
  const { id, state, whole, finished, replaced, madeAtMs, keptAtMs, progress, difference, positions, starts } = build;
  const { name: projection, version } = build.tables.projection;
  return {
    ...{ id, projection, version, state, whole, finished, replaced, madeAtMs, keptAtMs, progress, difference },
    positions:
      state === 'building'
        ? positions.map((at) => ({
            ...{ topic: at.topic, partition: at.partition, position: at.position, first: starts.get(placeOf(at)) ?? 0n },
            ...(build.passed.get(placeOf(at)) ?? nothingPassed),
          }))
        : [],
  };
}
