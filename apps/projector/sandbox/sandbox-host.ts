import { buildsOf, isBuilt, sandboxAggregate, sandboxAggregateId, sandboxOf, type KnownSandbox } from '#domain/operation';
import { LeasedJobs, type LeasedJob, type WorkBoard } from '#runtime';
import { SandboxRun, type SandboxRunDeps } from './sandbox-run.ts';

const actor = 'system:projector';

export interface SandboxHostInit {
  /** Unique among living hosts and stable over restarts. */
  readonly owner: string;
  readonly partitionsMax: number;
  readonly leaseTtlMs?: number;
  /** Between two looks at what is to be done, ms. */
  readonly lookMs?: number;
}

export interface SandboxHostDeps extends SandboxRunDeps {
  readonly board?: WorkBoard;
}

/** Builds and removes sandboxes, each under a lease: a process that dies leaves its own to another, which goes on. */
export class SandboxHost {
  readonly #init: SandboxHostInit;
  readonly #deps: SandboxHostDeps;
  readonly #jobs: LeasedJobs;
  /** Sandboxes that are ready and whose tables were seen to be there, since the last tidying. */
  readonly #seen = new Set<string>();
  /** Those that are ready and have lost them: the database is of a time before. */
  #lost: ReadonlySet<string> = new Set();

  constructor(init: SandboxHostInit, deps: SandboxHostDeps) {
    this.#init = init;
    this.#deps = deps;
    const work = { jobs: 'sandboxes', leasePrefix: 'sandbox/', ...init };
    this.#jobs = new LeasedJobs(work, { ...deps, look: () => this.#look(), tidy: () => this.#tidy() });
  }

  start(): void {
    this.#jobs.start();
  }

  stop(): Promise<void> {
    return this.#jobs.stop();
  }

  async #look(): Promise<readonly LeasedJob[]> {
    const standing = await this.#standing();
    for (const sandbox of standing) if (sandbox.status !== 'dropping' && this.#deps.clock.now() >= sandbox.expiresAtMs) await this.#expire(sandbox);
    await this.#lookForLost(standing);
    const hasWork = ({ status, sandboxId }: KnownSandbox): boolean => status === 'building' || status === 'dropping' || this.#lost.has(sandboxId);
    return standing.filter(hasWork).map((sandbox) => this.#jobOf(sandbox));
  }

  async #standing(): Promise<readonly KnownSandbox[]> {
    return (await this.#deps.aggregates.find(sandboxAggregate.context, 'stands', 'yes')).map(({ state }) => state as KnownSandbox);
  }

  /** What was seen to be there is not asked for again until the next tidying; a database may be restored under a projector that runs on. */
  async #lookForLost(standing: readonly KnownSandbox[]): Promise<void> {
    const unseen = standing.filter(({ status, sandboxId }) => status === 'ready' && !this.#seen.has(sandboxId));
    const builds = await this.#deps.builds.among(unseen.flatMap(buildsOf));
    const without = unseen.filter((sandbox) => !isBuilt(sandbox, builds));
    for (const { sandboxId } of unseen) if (!without.some((one) => one.sandboxId === sandboxId)) this.#seen.add(sandboxId);
    // Somebody may have dropped one since we looked.
    const now = without.length === 0 ? [] : await this.#standing();
    const lost = without.filter(({ sandboxId }) => now.some((one) => one.sandboxId === sandboxId && one.status === 'ready'));
    for (const { name, sandboxId } of lost)
      if (!this.#lost.has(sandboxId))
        this.#deps.logger.warn(`the tables of the sandbox ${name} are not there, or not to their end: the database is older than it. It is built anew`);
    this.#lost = new Set(lost.map(({ sandboxId }) => sandboxId));
  }

  #jobOf({ name, sandboxId }: KnownSandbox): LeasedJob {
    const { partitionsMax } = this.#init;
    const isLost = this.#lost.has(sandboxId);
    return { id: sandboxId, run: (lease, stop) => new SandboxRun({ name, sandboxId, lease, partitionsMax, isLost }, this.#deps).run(stop) };
  }

  async #expire({ name, sandboxId }: KnownSandbox): Promise<void> {
    const command = { type: 'DropSandbox', reason: 'its time is over', requestedBy: actor } as const;
    await this.#deps.commands.execute(sandboxAggregate, sandboxAggregateId(name), command, { actor, correlationId: sandboxId });
  }

  /** An owner that was late may have made tables of a sandbox that was gone by then. */
  async #tidy(): Promise<void> {
    const { builds, logger } = this.#deps;
    this.#seen.clear();
    const standing = await this.#standing();
    for (const { id } of await builds.list()) {
      const sandboxId = sandboxOf(id);
      if (sandboxId === undefined || standing.some((one) => one.sandboxId === sandboxId) || this.#jobs.isRunning(sandboxId)) continue;
      // One that was made since we looked is not stray.
      if ((await this.#standing()).some((one) => one.sandboxId === sandboxId)) continue;
      await builds.forget(id);
      logger.info({ build: id }, 'dropped tables of a sandbox that is gone');
    }
  }
}
