import { sandboxAggregate, sandboxAggregateId, sandboxBuildId, type KnownSandbox, type SandboxCommand, type SandboxState } from '#domain/operation';
import type { DomainEvent } from '#events';
import { hasCode, type Projection } from '#kernel';
import type { AggregateStore, BuildClaim, BuildPosition, Clock, EventLog, Lease, LeaseStore, ProjectionBuilds } from '#ports';
import {
  buildEnds,
  buildStarts,
  BulkLoad,
  eventsGoneOf,
  pause,
  ReplayProgress,
  tellProgress,
  type CommandExecutor,
  type Logger,
  type RightOfWay,
} from '#runtime';
import { leftOutSettled } from '../parked/discarded.ts';

export interface SandboxRunDeps {
  readonly projections: readonly Projection<DomainEvent>[];
  readonly log: EventLog;
  readonly builds: ProjectionBuilds;
  readonly aggregates: AggregateStore;
  readonly leases: LeaseStore;
  readonly commands: CommandExecutor;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Removes what was written under the sandbox's blob prefix. */
  readonly dropBlobs: (sandboxId: string) => Promise<void>;
  /** Had while it is built. */
  readonly rightOfWay?: RightOfWay;
}

export interface SandboxRunInit {
  readonly name: string;
  /** Of this life of it: the name may be another's by now. */
  readonly sandboxId: string;
  readonly lease: Lease;
  /** Partitions that are read at once. */
  readonly partitionsMax: number;
  /** It was ready, and its tables are not there any more. */
  readonly isLost: boolean;
}

const lookMs = 250;

/**
 * Does what a sandbox waits for: builds it, or removes it. It runs projectors, which are pure, and writes into the sandbox's
 * schema through `ProjectionBuilds`: nothing else is within its reach.
 */
export class SandboxRun {
  readonly #init: SandboxRunInit;
  readonly #deps: SandboxRunDeps;

  constructor(init: SandboxRunInit, deps: SandboxRunDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  /** @throws what may pass by itself; what does not is told as `sandbox.failed`. */
  async run(stop: AbortSignal): Promise<void> {
    const state = await this.#state();
    // Dropped by another while we asked: what we hold would be the last trace of it.
    if (state === undefined || state.stands === 'no' || state.sandboxId !== this.#init.sandboxId) return this.#deps.leases.forget(this.#init.lease);
    if (state.status === 'dropping') return this.#drop(state);
    if (!this.#isWanted(state)) return;
    const watched = new AbortController();
    const dropped = this.#untilDropping(state, AbortSignal.any([stop, watched.signal]));
    try {
      const build = (): Promise<void> => this.#build(state, AbortSignal.any([stop, dropped]));
      await (this.#deps.rightOfWay?.hold(build) ?? build());
    } catch (error) {
      if (hasCode(error, 'BUILD_FENCED') || dropped.aborted) return;
      if ((error as { retryable?: unknown }).retryable === true) throw error;
      await this.#fail(state, error);
    } finally {
      watched.abort();
    }
  }

  async #build(state: KnownSandbox, stop: AbortSignal): Promise<void> {
    let [events, skipped, gone] = [0, 0, 0];
    for (const name of state.projections) {
      const projection = this.#deps.projections.find((one) => one.name === name);
      if (projection === undefined) throw Object.assign(new Error(`This release has no projection ${name}.`), { code: 'PROJECTION_UNKNOWN' });
      const claim: BuildClaim = { id: sandboxBuildId(state.sandboxId, name), projection, epoch: this.#init.lease.epoch };
      const positions = await this.#begin(state, claim);
      const lacks = await eventsGoneOf(this.#deps.log, { positions }, state);
      gone += lacks;
      this.#checkLoss(state, gone);
      const progress = await this.#load(state, claim, positions, stop);
      if (progress === undefined) return;
      await this.#deps.builds.note(claim, { ...progress.look(0, this.#deps.clock.now()), ...(lacks === 0 ? {} : { eventsGone: lacks }) });
      events += progress.done;
      skipped += progress.skipped;
    }
    await this.#tell(state, { type: 'RecordSandboxReady', sandboxId: state.sandboxId, events, skipped, eventsGone: gone });
  }

  async #begin({ fromMs, untilMs }: KnownSandbox, claim: BuildClaim): Promise<readonly BuildPosition[]> {
    const starts = await buildStarts(this.#deps.log, claim.projection.contexts, { fromMs, untilMs, partitions: null });
    return (await this.#deps.builds.create({ ...claim, starts, whole: false })).positions;
  }

  /** One that is ready by its events is not ready with less than it had. */
  #checkLoss({ eventsGone = 0 }: KnownSandbox, gone: number): void {
    if (!this.#init.isLost || gone <= eventsGone) return;
    const lost = (gone - eventsGone).toLocaleString('en-US');
    const message = `The log no longer holds ${lost} events that it may have been built of (LOG_SEALED_DAYS), and the database has lost its rows: it cannot be built anew.`;
    throw Object.assign(new Error(message), { code: 'SANDBOX_PAST_GONE' });
  }

  /** @returns undefined when it was stopped */
  async #load(
    { fromMs, untilMs }: KnownSandbox,
    claim: BuildClaim,
    positions: readonly BuildPosition[],
    stop: AbortSignal,
  ): Promise<ReplayProgress | undefined> {
    const { log, builds } = this.#deps;
    const ends = await buildEnds(log, positions, { fromMs, untilMs, partitions: null });
    const progress = new ReplayProgress(positions);
    const leftOut = await leftOutSettled(this.#deps.aggregates, claim.projection.name, stop);
    if (leftOut === undefined) return undefined;
    const init = { claim, positions, leftOut, partitionsMax: this.#init.partitionsMax, eventsPerSecondMax: 0, ...(ends === undefined ? {} : { ends }) };
    const load = new BulkLoad(init, { log, builds, progress });
    const loaded = new AbortController();
    const telling = tellProgress({ claim, load, progress }, this.#deps, AbortSignal.any([stop, loaded.signal]));
    try {
      if (!(await load.run(stop)) || stop.aborted) return undefined;
    } finally {
      loaded.abort();
      await telling;
    }
    await builds.finish(claim);
    return progress;
  }

  /** The lease goes last but one: whoever comes after finds nothing to remove, and says so. */
  async #drop(state: KnownSandbox): Promise<void> {
    const { builds, leases, dropBlobs, logger } = this.#deps;
    for (const name of state.projections) await builds.forget(sandboxBuildId(state.sandboxId, name));
    await dropBlobs(state.sandboxId);
    await leases.forget(this.#init.lease);
    // It is dropped by whoever asked for it, and not by who did it.
    await this.#tell(state, { type: 'RecordSandboxDrop', sandboxId: state.sandboxId }, state.droppedBy);
    logger.info({ sandbox: state.name }, 'nothing is left of a sandbox');
  }

  /** Aborts when somebody asked for the sandbox to be dropped, so that the building ends first. */
  #isWanted({ status }: KnownSandbox): boolean {
    return status === 'building' || (status === 'ready' && this.#init.isLost);
  }

  #untilDropping({ sandboxId }: KnownSandbox, over: AbortSignal): AbortSignal {
    const dropping = new AbortController();
    const look = async (): Promise<void> => {
      while (!over.aborted) {
        await pause(lookMs, over);
        const now = over.aborted ? undefined : await this.#state().catch(() => undefined);
        if (now !== undefined && (!this.#isWanted(now) || now.sandboxId !== sandboxId)) return dropping.abort();
      }
    };
    void look();
    return dropping.signal;
  }

  async #state(): Promise<KnownSandbox | undefined> {
    const head = await this.#deps.aggregates.load(sandboxAggregate.context, sandboxAggregateId(this.#init.name));
    const state = head?.state as SandboxState | undefined;
    return state === undefined || state.status === 'absent' ? undefined : state;
  }

  async #tell({ name, sandboxId }: KnownSandbox, command: SandboxCommand, by?: string): Promise<void> {
    const meta = { actor: by || 'system:projector', correlationId: sandboxId };
    await this.#deps.commands.execute(sandboxAggregate, sandboxAggregateId(name), command, meta);
  }

  async #fail(state: KnownSandbox, error: unknown): Promise<void> {
    const { code, message } = error as { code?: unknown; message?: string };
    this.#deps.logger.error({ err: error, sandbox: state.name }, `a sandbox failed: ${message ?? String(error)}`);
    const known = typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : 'SANDBOX_FAILED';
    await this.#tell(state, {
      type: 'FailSandbox',
      sandboxId: state.sandboxId,
      code: known,
      message: (message ?? String(error)).slice(0, 1024),
      isLost: this.#init.isLost,
    });
  }
}
