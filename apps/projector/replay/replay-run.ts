import { heldBackNote, isHeldBack, replayAggregate, type KnownReplay, type ReplayCommand, type ReplayState } from '#domain/operation';
import type { DomainEvent } from '#events';
import { hasCode, type Projection } from '#kernel';
import type { AggregateStore, BuildClaim, BuildView, Clock, EventLog, ModelDifference, ProjectionBuilds } from '#ports';
import {
  buildEnds,
  buildStarts,
  BulkLoad,
  eventsGone,
  foldBetween,
  isWhole,
  pause,
  ReplayProgress,
  tellProgress,
  type CommandExecutor,
  type LeftOut,
  type Logger,
  type RightOfWay,
} from '#runtime';
import { leftOutSettled } from '../parked/discarded.ts';
import type { StalePast } from '../parked/stale-past.ts';
import { sharedOut, type loadInThread } from './load-threads.ts';

export interface ReplayLimits {
  /** Partitions of one replay that are read at once. */
  readonly partitionsMax: number;
  /** Threads that one replay may take … */
  readonly threadsMax: number;
  /** … when it has so many events to read: fewer are not worth the start of a thread. */
  readonly threadEventsMin: number;
  /** Of one replay; 0 for as many as the machine gives. */
  readonly eventsPerSecondMax: number;
}

export interface ReplayRunInit extends ReplayLimits {
  readonly id: string;
  /** Of the lease under which this process works on it. */
  readonly epoch: bigint;
  readonly owner: string;
}

export interface ReplayRunDeps {
  readonly projections: readonly Projection<DomainEvent>[];
  readonly log: EventLog;
  readonly builds: ProjectionBuilds;
  readonly aggregates: AggregateStore;
  readonly commands: CommandExecutor;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stale: Pick<StalePast, 'forgetBefore'>;
  /** Without it, everything is loaded in this thread. */
  readonly loadInThread?: typeof loadInThread;
  /** Had while it is built, not while it follows the log. */
  readonly rightOfWay?: RightOfWay;
}

/** What is missing at the moment of promotion is folded in while the host stands still: a few milliseconds' worth. */
const behindMax = 10_000;
const lookMs = 500;
const samplesMax = 20;

/** Works on one replay, whatever its state, until there is nothing to do for it. */
export class ReplayRun {
  readonly #init: ReplayRunInit;
  readonly #deps: ReplayRunDeps;
  #follows = false;

  constructor(init: ReplayRunInit, deps: ReplayRunDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  /** True while it keeps up with the log until somebody decides. */
  get follows(): boolean {
    return this.#follows;
  }

  /** @throws what may pass by itself; what does not is told as `replay.failed`. */
  async run(stop: AbortSignal): Promise<void> {
    try {
      while (!stop.aborted) {
        const state = await this.#state();
        if (state.status === 'absent' || state.phase === 'closed') return;
        await this.#step(state, stop);
      }
    } catch (error) {
      if (hasCode(error, 'BUILD_FENCED')) return;
      if ((error as { retryable?: unknown }).retryable === true) throw error;
      await this.#fail(error);
    }
  }

  async #step(state: KnownReplay, stop: AbortSignal): Promise<void> {
    if (state.status === 'rolling-back') return this.#rollBack();
    const projection = this.#deps.projections.find(({ name }) => name === state.projection);
    if (projection === undefined)
      return this.#fail(Object.assign(new Error(`This release has no projection ${state.projection}.`), { code: 'PROJECTION_UNKNOWN' }));
    const claim: BuildClaim = { id: this.#init.id, projection, epoch: this.#init.epoch };
    const view = await this.#open(state, claim);
    await this.#tell({ type: 'StartReplay', projectionVersion: projection.version, owner: this.#init.owner });
    const progress = new ReplayProgress(view.positions);
    const leftOut = await leftOutSettled(this.#deps.aggregates, projection.name, stop);
    if (leftOut === undefined) return;
    const load = await this.#loadOf(state, claim, view, { progress, leftOut });
    if (state.status === 'promoting' && isHeldBack({ ...state, eventsGone: eventsGone(view, state) })) return this.#complete(state, view, progress);
    if (state.status === 'promoting') return this.#promote(state, claim, view, load, stop);
    const following = this.#watched(state, stop);
    const telling = tellProgress({ claim, load, progress }, this.#deps, following.signal);
    try {
      if (state.status === 'ready') await this.#follow(load, following.signal);
      else {
        const build = (): Promise<void> => this.#build(state, claim, view, load, progress, following.signal);
        await (this.#deps.rightOfWay?.hold(build) ?? build());
      }
    } finally {
      following.end();
      await telling;
    }
  }

  async #open(state: KnownReplay, claim: BuildClaim): Promise<BuildView> {
    const starts = await buildStarts(this.#deps.log, claim.projection.contexts, state);
    return this.#deps.builds.create({ ...claim, starts, whole: isWhole(state) });
  }

  async #loadOf(
    state: KnownReplay,
    claim: BuildClaim,
    { positions }: BuildView,
    { progress, leftOut }: { readonly progress: ReplayProgress; readonly leftOut: LeftOut },
  ): Promise<BulkLoad> {
    const ends = await buildEnds(this.#deps.log, positions, state);
    const { partitionsMax, eventsPerSecondMax } = this.#init;
    return new BulkLoad(
      { claim, positions, partitionsMax, eventsPerSecondMax, onPoison: state.onPoison ?? 'stop', leftOut, ...(ends === undefined ? {} : { ends }) },
      { ...this.#deps, progress },
    );
  }

  async #build(state: KnownReplay, claim: BuildClaim, view: BuildView, load: BulkLoad, progress: ReplayProgress, stop: AbortSignal): Promise<void> {
    if ((await this.#loadShared(claim, view, load, progress, stop)) || !(await load.run(stop))) return;
    if (state.mode === 'comparison') {
      const between = foldBetween(this.#deps.log, claim.projection, { onPoison: state.onPoison, leftOut: load.leftOut });
      const difference = await this.#deps.builds.compare({ ...claim, samplesMax, fold: between });
      await this.#deps.builds.note(claim, progress.look(0, this.#deps.clock.now()));
      await this.#tell({ type: 'RecordComparison', ...totalsOf(difference), eventsGone: eventsGone(view, state) });
      return this.#deps.builds.drop(claim.id);
    }
    await this.#deps.builds.finish(claim);
    if (!(await load.run(stop))) return;
    await this.#deps.builds.note(claim, progress.look(0, this.#deps.clock.now()));
    await this.#complete(state, view, progress);
  }

  /** What would lose rows is not promoted by itself: an operator says whether it may. */
  async #complete(state: KnownReplay, view: BuildView, progress: ReplayProgress): Promise<void> {
    const { done: events, skipped, poisoned } = progress;
    const gone = eventsGone(view, state);
    await this.#tell({ type: 'CompleteReplay', events, skipped, poisoned, eventsGone: gone });
    if (state.promote && isHeldBack({ ...state, eventsGone: gone }))
      this.#deps.logger.warn(
        { replay: this.#init.id, projection: state.projection, eventsGone: gone },
        `the rebuilt ${state.projection} waits: ${heldBackNote({ ...state, eventsGone: gone })}`,
      );
  }

  /**
   * Loads what is there now with several threads, each some of the partitions, when there is much.
   * @returns whether it did: then the build stands elsewhere, and everything about it is asked anew.
   */
  async #loadShared(claim: BuildClaim, { positions }: BuildView, load: BulkLoad, progress: ReplayProgress, stop: AbortSignal): Promise<boolean> {
    const { loadInThread: inThread } = this.#deps;
    const { threadsMax, threadEventsMin, partitionsMax, eventsPerSecondMax } = this.#init;
    const left = await load.lefts();
    const records = [...left.values()].reduce((sum, one) => sum + one, 0);
    if (inThread === undefined || threadsMax < 2 || records < threadEventsMin) return false;
    const shares = sharedOut(positions, ({ topic, partition }) => left.get(`${topic}/${partition}`) ?? 0, threadsMax);
    const each = {
      partitionsMax: Math.ceil(partitionsMax / shares.length),
      eventsPerSecondMax: Math.ceil(eventsPerSecondMax / shares.length),
      ends: load.ends,
      onPoison: load.onPoison,
      leftOut: load.leftOut,
    };
    const failed = new AbortController();
    const signal = AbortSignal.any([stop, failed.signal]);
    const work = shares.map((share, at) =>
      at === 0
        ? new BulkLoad({ ...each, claim, positions: share }, { ...this.#deps, progress }).run(signal)
        : inThread({ ...each, id: claim.id, projection: claim.projection.name, epoch: claim.epoch, positions: share }, signal, (some, skipped, poisoned) =>
            progress.add(some, skipped, poisoned),
          ),
    );
    // When one fails the others end behind their last whole wave.
    const ended = await Promise.allSettled(work.map((one) => Promise.resolve(one).catch((error: unknown) => (failed.abort(), Promise.reject(error)))));
    const failure = ended.find((one) => one.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
    return true;
  }

  /** Keeps up with the log until somebody decides. */
  async #follow(load: BulkLoad, stop: AbortSignal): Promise<void> {
    this.#follows = true;
    try {
      while (!stop.aborted) {
        await load.run(stop);
        await pause(lookMs, stop);
      }
    } finally {
      this.#follows = false;
    }
  }

  async #promote(state: KnownReplay, claim: BuildClaim, view: BuildView, load: BulkLoad, stop: AbortSignal): Promise<void> {
    const { builds, log, logger } = this.#deps;
    if (view.state === 'building') {
      await builds.finish(claim);
      if (!(await load.run(stop))) return;
    }
    const fold = foldBetween(log, claim.projection, { onPoison: state.onPoison, leftOut: load.leftOut });
    try {
      await this.#deps.stale.forgetBefore(claim.projection, await this.#lacks(claim));
      const { fromVersion, toVersion } = await builds.promote({ ...claim, behindMax, fold });
      await this.#tell({ type: 'RecordPromotion', fromVersion, toVersion });
      logger.info({ replay: claim.id, fromVersion, toVersion }, `readers see the rebuilt ${claim.projection.name}`);
    } catch (error) {
      // Readers that are slow, or a log that is quicker than we are: both pass.
      if (!hasCode(error, 'BUILD_BEHIND') && !hasCode(error, 'DATABASE_CONTENDED')) throw error;
      logger.info({ replay: claim.id, err: error }, 'not promoted yet; trying again');
      await pause(lookMs / 2, stop);
    }
  }

  /** True when this build, or what serves, has passed over events that the projection could not handle. */
  async #lacks({ id, projection }: BuildClaim): Promise<boolean> {
    const builds = await this.#deps.builds.list(projection.name);
    return builds.some((one) => (one.id === id || one.state === 'serving') && (one.progress?.poisoned?.length ?? 0) > 0);
  }

  async #rollBack(): Promise<void> {
    try {
      await this.#tell({ type: 'RecordRollBack', ...(await this.#deps.builds.rollBack(this.#init.id)) });
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (code !== 'BUILD_NOT_SERVING' && code !== 'BUILD_NOT_KEPT' && code !== 'BUILD_UNKNOWN') throw error;
      await this.#tell({ type: 'RefuseRollBack', code, message: (error as Error).message.slice(0, 1024) });
    }
  }

  /** Aborts when the replay is no longer in the state in which it was begun. */
  #watched(state: KnownReplay, stop: AbortSignal): { readonly signal: AbortSignal; end(): void } {
    const changed = new AbortController();
    const signal = AbortSignal.any([stop, changed.signal]);
    const look = async (): Promise<void> => {
      while (!signal.aborted) {
        await pause(lookMs, signal);
        const now = signal.aborted ? state : await this.#state().catch(() => state);
        if (now.status !== state.status && !(state.status === 'requested' && now.status === 'running')) changed.abort();
      }
    };
    void look();
    return { signal, end: () => changed.abort() };
  }

  async #state(): Promise<ReplayState> {
    const head = await this.#deps.aggregates.load(replayAggregate.context, this.#init.id);
    return head === undefined ? { status: 'absent' } : (head.state as ReplayState);
  }

  async #tell(command: ReplayCommand): Promise<void> {
    await this.#deps.commands.execute(replayAggregate, this.#init.id, command, { actor: 'system:projector', correlationId: this.#init.id });
  }

  async #fail(error: unknown): Promise<void> {
    const { code = 'REPLAY_FAILED', message } = error as { code?: unknown; message?: string };
    this.#deps.logger.error({ err: error, replay: this.#init.id }, `a replay failed: ${message ?? String(error)}`);
    const known = typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : 'REPLAY_FAILED';
    await this.#tell({ type: 'FailReplay', code: known, message: (message ?? String(error)).slice(0, 1024) });
  }
}

function totalsOf({ equal, tables }: ModelDifference): Omit<Extract<ReplayCommand, { type: 'RecordComparison' }>, 'type' | 'eventsGone'> {
  const sum = (of: (table: ModelDifference['tables'][number]) => number): number => tables.reduce((total, table) => total + of(table), 0);
  return {
    ...{ equal, added: sum(({ added }) => added), removed: sum(({ removed }) => removed), changed: sum(({ changed }) => changed) },
    digest: tables
      .map(({ rebuiltDigest }) => rebuiltDigest)
      .join(' ')
      .slice(0, 1024),
  };
}
