import { sandboxAggregate, sandboxAggregateId, sandboxBuildId, sandboxOf, type KnownSandbox } from '#domain/operation';
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
  /** Sandboxes that were ready and have no tables: the database is of a time before. Undefined until it was looked. */
  #lost: Set<string> | undefined;

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
    const lost = (this.#lost ??= await this.#lostAmong(standing));
    const hasWork = ({ status, sandboxId }: KnownSandbox): boolean => status === 'building' || status === 'dropping' || lost.has(sandboxId);
    return standing.filter(hasWork).map((sandbox) => this.#jobOf(sandbox));
  }

  async #standing(): Promise<readonly KnownSandbox[]> {
    return (await this.#deps.aggregates.find(sandboxAggregate.context, 'stands', 'yes')).map(({ state }) => state as KnownSandbox);
  }

  async #lostAmong(standing: readonly KnownSandbox[]): Promise<Set<string>> {
    const lost = new Set<string>();
    for (const { name, projections, sandboxId, status } of standing) {
      if (status !== 'ready') continue;
      const builds = await Promise.all(projections.map((projection) => this.#deps.builds.show(sandboxBuildId(sandboxId, projection))));
      if (builds.every((build) => build?.finished === true && build.state !== 'dropped')) continue;
      this.#deps.logger.warn(`the tables of the sandbox ${name} are not there, or not to their end: the database is older than it. It is built anew`);
      lost.add(sandboxId);
    }
    return lost;
  }

  #jobOf({ name, sandboxId }: KnownSandbox): LeasedJob {
    const { partitionsMax } = this.#init;
    return {
      id: sandboxId,
      run: async (lease, stop) => {
        const isLost = this.#lost?.has(sandboxId) === true;
        await new SandboxRun({ name, sandboxId, lease, partitionsMax, isLost }, this.#deps).run(stop);
        if (!stop.aborted) this.#lost?.delete(sandboxId);
      },
    };
  }

  async #expire({ name, sandboxId }: KnownSandbox): Promise<void> {
    const command = { type: 'DropSandbox', reason: 'its time is over', requestedBy: actor } as const;
    await this.#deps.commands.execute(sandboxAggregate, sandboxAggregateId(name), command, { actor, correlationId: sandboxId });
  }

  /** An owner that was late may have made tables of a sandbox that was gone by then. */
  async #tidy(): Promise<void> {
    const { builds, logger } = this.#deps;
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
