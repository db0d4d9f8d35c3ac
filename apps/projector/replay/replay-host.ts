import { replayAggregate, sandboxOf, type KnownReplay, type ReplayState } from '#domain/operation';
import type { EventLog, LeaseStore, ParkedEvents, PastStore } from '#ports';
import { LeasedJobs, type LeasedJob, type WorkBoard } from '#runtime';
import { StalePast } from '../parked/stale-past.ts';
import { ReplayRun, type ReplayLimits, type ReplayRunDeps } from './replay-run.ts';

export interface ReplayHostInit extends ReplayLimits {
  /** Unique among living hosts and stable over restarts. */
  readonly owner: string;
  /** Replays that this process builds at once; those that are ready and keep up are not counted. */
  readonly replaysMax: number;
  /** How long what a replay replaced is kept for a roll-back, ms. */
  readonly keepMs: number;
  /** Projections, or `all`, of which a new version may lose what the log no longer holds. */
  readonly acceptLoss?: readonly string[];
  readonly leaseTtlMs?: number;
  /** Between two looks at what is to be done, ms. */
  readonly lookMs?: number;
}

export interface ReplayHostDeps extends Omit<ReplayRunDeps, 'stale'> {
  readonly parked: ParkedEvents;
  readonly past: Pick<PastStore, 'forgetFrom'>;
  /** With it, each replay reads the past as it lies in the store, whatever this process has read of it before. */
  readonly sealedLog?: { anew(): EventLog };
  readonly leases: LeaseStore;
  readonly board?: WorkBoard;
}

/** Names of the orders that projectors give by themselves, with the version that they are for. */
const versionOrder = /^rp-v(\d+)-/;

/** A build whose order nobody knows (a database that was restored) is left alone for so long. */
const strayMs = 3_600_000;

/**
 * Works on the replays that were asked for, each under a lease: a process that dies leaves its replay to another, which
 * goes on from the positions of the build. It runs projectors alone, and nothing that acts outside.
 */
export class ReplayHost {
  readonly #init: ReplayHostInit;
  readonly #deps: ReplayHostDeps;
  readonly #jobs: LeasedJobs;

  constructor(init: ReplayHostInit, deps: ReplayHostDeps) {
    this.#init = init;
    this.#deps = deps;
    const work = { jobs: 'replays', leasePrefix: 'replay/', jobsMax: init.replaysMax, ...init };
    this.#jobs = new LeasedJobs(work, { ...deps, look: () => this.#look(), tidy: () => this.#tidy() });
  }

  start(): void {
    this.#jobs.start();
  }

  /** Ends each replay behind its last whole transaction and gives it back. */
  stop(): Promise<void> {
    return this.#jobs.stop();
  }

  async #look(): Promise<readonly LeasedJob[]> {
    await this.#askForVersions();
    const open = await this.#deps.aggregates.find(replayAggregate.context, 'phase', 'open');
    return open.filter(({ id, state }) => !this.#isForNewer(id, state as KnownReplay)).map(({ id, state }) => this.#jobOf(id, state as KnownReplay));
  }

  /** One that has caught up keeps up until somebody decides, which may be never: it holds up no other. */
  #jobOf(id: string, { status }: KnownReplay): LeasedJob {
    let run: ReplayRun | undefined;
    return {
      id,
      takesPlace: () => (run === undefined ? status !== 'ready' : !run.follows),
      run: (lease, stop) => {
        const log = this.#deps.sealedLog?.anew() ?? this.#deps.log;
        run = new ReplayRun({ ...this.#init, id, epoch: lease.epoch }, { ...this.#deps, log, stale: new StalePast(this.#deps) });
        return run.run(stop);
      },
    };
  }

  /** While releases change, one of newer code is left to a projector that has it. */
  #isForNewer(id: string, { projection, projectionVersion }: KnownReplay): boolean {
    const mine = this.#deps.projections.find(({ name }) => name === projection)?.version ?? 0;
    return mine > 0 && Math.max(projectionVersion, Number(versionOrder.exec(id)?.[1] ?? 0)) > mine;
  }

  /** A version of the code that is newer than the serving one is built by itself, once; the old one serves meanwhile. */
  async #askForVersions(): Promise<void> {
    const versions = await this.#deps.builds.versions();
    const accepted = this.#init.acceptLoss ?? [];
    for (const { name, version } of this.#deps.projections) {
      const mine = versions.filter(({ projection }) => projection === name);
      const serving = mine.find((one) => one.serving);
      if (serving === undefined || serving.version >= version || mine.some((one) => one.version === version)) continue;
      const replayId = `rp-v${version}-${name.replaceAll('_', '-')}`.slice(0, 40);
      const order = { replayId, projection: name, mode: 'rebuild', fromMs: null, untilMs: null, partitions: null, promote: true } as const;
      const acceptLoss = accepted.includes(name) || accepted.includes('all');
      const reason = `version ${version} of the code${acceptLoss ? '; REPLAY_ACCEPT_LOSS' : ''}`;
      const command = { type: 'RequestReplay', ...order, acceptLoss, reason } as const;
      await this.#deps.commands.execute(replayAggregate, replayId, command, { actor: 'system:projector', correlationId: replayId });
    }
  }

  /** Drops what nobody needs any more, whoever left it behind. */
  async #tidy(): Promise<void> {
    const { builds, aggregates, clock, logger } = this.#deps;
    const now = clock.now();
    for (const { id, madeAtMs } of (await builds.list()).filter(({ id, state }) => state === 'building' && sandboxOf(id) === undefined)) {
      const head = await aggregates.load(replayAggregate.context, id);
      const state: ReplayState = head === undefined ? { status: 'absent' } : (head.state as ReplayState);
      const isOver =
        state.status === 'absent'
          ? now - madeAtMs > strayMs
          : isDone(state) || (state.status === 'ready' && state.phase === 'closed' && now - madeAtMs > this.#init.keepMs);
      if (!isOver || this.#jobs.isRunning(id)) continue;
      await builds.drop(id);
      logger.info({ replay: id }, 'dropped the tables of a replay that is over');
    }
    for (const id of await builds.expire(now - this.#init.keepMs)) logger.info({ build: id }, 'dropped what a replay had replaced');
  }
}

function isDone({ status }: KnownReplay): boolean {
  return status === 'cancelled' || status === 'failed' || status === 'compared';
}
