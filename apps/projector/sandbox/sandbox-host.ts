import { sandboxAggregate, sandboxAggregateId, sandboxOf, type KnownSandbox } from '#domain/operation';
import type { Lease } from '#ports';
import { pause } from '#runtime';
import { SandboxRun, type SandboxRunDeps } from './sandbox-run.ts';

export interface SandboxHostInit {
  /** Unique among living hosts and stable over restarts. */
  readonly owner: string;
  readonly partitionsMax: number;
  readonly leaseTtlMs?: number;
  /** Between two looks at what is to be done, ms. */
  readonly lookMs?: number;
}

interface Running {
  readonly lease: Lease;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

const sweepEveryMs = 10_000;

/** Builds and removes sandboxes, each under a lease: a process that dies leaves its own to another, which goes on. */
export class SandboxHost {
  readonly #init: Required<SandboxHostInit>;
  readonly #deps: SandboxRunDeps;
  readonly #running = new Map<string, Running>();
  /** When one that failed in passing may be tried again. */
  readonly #notBefore = new Map<string, number>();
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(init: SandboxHostInit, deps: SandboxRunDeps) {
    this.#init = { leaseTtlMs: 6000, lookMs: 500, ...init };
    this.#deps = deps;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    for (const { stop } of this.#running.values()) stop.abort();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  async #run(): Promise<void> {
    let renewedAt = performance.now();
    while (!this.#stop.signal.aborted) {
      try {
        const now = performance.now();
        if (now - renewedAt >= this.#init.leaseTtlMs / 3) {
          await this.#renew();
          renewedAt = now;
        }
        await this.#look(now);
      } catch (err) {
        this.#deps.logger.warn({ err }, 'sandboxes are not looked after; trying again');
      }
      await pause(this.#init.lookMs, this.#stop.signal);
    }
  }

  async #renew(): Promise<void> {
    const running = [...this.#running.values()];
    const kept = await this.#deps.leases.renewAll(
      running.map(({ lease }) => lease),
      this.#init.leaseTtlMs,
    );
    running.forEach(({ stop }, at) => kept[at] === true || stop.abort());
  }

  async #look(now: number): Promise<void> {
    const { aggregates, clock, leases } = this.#deps;
    const standing = (await aggregates.find(sandboxAggregate.context, 'stands', 'yes')).map(({ state }) => state as KnownSandbox);
    for (const sandbox of standing) {
      const { name, sandboxId, status, expiresAtMs } = sandbox;
      if (status !== 'dropping' && clock.now() >= expiresAtMs) await this.#expire(sandbox);
      if ((status !== 'building' && status !== 'dropping') || this.#running.has(sandboxId) || (this.#notBefore.get(sandboxId) ?? 0) > now) continue;
      const lease = await leases.acquire(`sandbox/${sandboxId}`, this.#init.owner, this.#init.leaseTtlMs);
      if (lease !== undefined) this.#begin(name, sandboxId, lease);
    }
    if (now - this.#sweptAt < sweepEveryMs) return;
    this.#sweptAt = now;
    await this.#sweep(new Set(standing.map(({ sandboxId }) => sandboxId)));
  }

  async #expire({ name, sandboxId }: KnownSandbox): Promise<void> {
    const command = { type: 'DropSandbox', reason: 'its time is over' } as const;
    await this.#deps.commands.execute(sandboxAggregate, sandboxAggregateId(name), command, { actor: 'system:projector', correlationId: sandboxId });
  }

  #begin(name: string, sandboxId: string, lease: Lease): void {
    const stop = new AbortController();
    const run = new SandboxRun({ name, lease, partitionsMax: this.#init.partitionsMax }, this.#deps);
    const done = run
      .run(stop.signal)
      .catch((err: unknown) => {
        this.#notBefore.set(sandboxId, performance.now() + 2000);
        this.#deps.logger.warn({ err, sandbox: name }, `work on a sandbox was interrupted: ${err instanceof Error ? err.message : String(err)}`);
      })
      .then(() => this.#deps.leases.release(lease))
      .catch((err: unknown) => this.#deps.logger.warn({ err, sandbox: name }, 'the lease of a sandbox could not be given back'))
      .finally(() => this.#running.delete(sandboxId));
    this.#running.set(sandboxId, { lease, stop, done });
  }

  /** An owner that was late may have made tables of a sandbox that was gone by then. */
  async #sweep(standing: ReadonlySet<string>): Promise<void> {
    const { builds, aggregates, logger } = this.#deps;
    for (const { id } of await builds.list()) {
      const sandboxId = sandboxOf(id);
      if (sandboxId === undefined || standing.has(sandboxId) || this.#running.has(sandboxId)) continue;
      // One that was made since we looked is not stray.
      const now = await aggregates.find(sandboxAggregate.context, 'stands', 'yes');
      if (now.some(({ state }) => (state as KnownSandbox).sandboxId === sandboxId)) continue;
      await builds.forget(id);
      logger.info({ build: id }, 'dropped tables of a sandbox that is gone');
    }
  }
}
