import { replayAggregate, sandboxOf, type KnownReplay, type ReplayState } from '#domain/operation';
import type { Lease, LeaseStore } from '#ports';
import { pause, type Health } from '#runtime';
import { ReplayRun, type ReplayLimits, type ReplayRunDeps } from './replay-run.ts';

export interface ReplayHostInit extends ReplayLimits {
  /** Unique among living hosts and stable over restarts. */
  readonly owner: string;
  /** Replays that this process works on at once. */
  readonly replaysMax: number;
  /** How long what a replay replaced is kept for a roll-back, ms. */
  readonly keepMs: number;
  readonly leaseTtlMs?: number;
  /** Between two looks at what is to be done, ms. */
  readonly lookMs?: number;
}

export interface ReplayHostDeps extends ReplayRunDeps {
  readonly leases: LeaseStore;
  readonly health?: Health;
}

interface Running {
  readonly lease: Lease;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** Names of the orders that projectors give by themselves, with the version that they are for. */
const versionOrder = /^rp-v(\d+)-/;

const sweepEveryMs = 10_000;
/** A build whose order nobody knows (a database that was restored) is left alone for so long. */
const strayMs = 3_600_000;

/**
 * Works on the replays that were asked for, each under a lease: a process that dies leaves its replay to another, which
 * goes on from the positions of the build. It runs projectors alone, and nothing that acts outside.
 */
export class ReplayHost {
  readonly #init: ReplayHostInit & { readonly leaseTtlMs: number; readonly lookMs: number };
  readonly #deps: ReplayHostDeps;
  readonly #running = new Map<string, Running>();
  /** When a replay that failed in passing may be tried again. */
  readonly #notBefore = new Map<string, number>();
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #sweptAt = 0;

  constructor(init: ReplayHostInit, deps: ReplayHostDeps) {
    this.#init = { leaseTtlMs: 6000, lookMs: 500, ...init };
    this.#deps = deps;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Ends each replay behind its last whole transaction and gives it back. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    for (const { stop } of this.#running.values()) stop.abort();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  async #run(): Promise<void> {
    const heart = this.#deps.health?.loop('replays', this.#init.lookMs);
    let renewedAt = 0;
    while (!this.#stop.signal.aborted) {
      heart?.beat();
      try {
        const now = performance.now();
        if (now - renewedAt >= this.#init.leaseTtlMs / 3) {
          await this.#renew();
          renewedAt = now;
        }
        await this.#look(now);
        if (now - this.#sweptAt >= sweepEveryMs) {
          await this.#sweep();
          this.#sweptAt = now;
        }
      } catch (err) {
        this.#deps.logger.warn({ err }, 'replays are not looked after; trying again');
      }
      await pause(this.#init.lookMs, this.#stop.signal);
    }
    heart?.end();
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
    await this.#askForVersions();
    for (const { id, state } of await this.#deps.aggregates.find(replayAggregate.context, 'phase', 'open')) {
      if (this.#running.size >= this.#init.replaysMax) return;
      if (this.#running.has(id) || (this.#notBefore.get(id) ?? 0) > now || this.#isForNewer(id, state as KnownReplay)) continue;
      const lease = await this.#deps.leases.acquire(`replay/${id}`, this.#init.owner, this.#init.leaseTtlMs);
      if (lease !== undefined) this.#begin(id, lease);
    }
  }

  /** While releases change, one of newer code is left to a projector that has it. */
  #isForNewer(id: string, { projection, projectionVersion }: KnownReplay): boolean {
    const mine = this.#deps.projections.find(({ name }) => name === projection)?.version ?? 0;
    return mine > 0 && Math.max(projectionVersion, Number(versionOrder.exec(id)?.[1] ?? 0)) > mine;
  }

  #begin(id: string, lease: Lease): void {
    const stop = new AbortController();
    const run = new ReplayRun({ ...this.#init, id, epoch: lease.epoch }, this.#deps);
    const done = run
      .run(stop.signal)
      .catch((err: unknown) => {
        this.#notBefore.set(id, performance.now() + 2000);
        this.#deps.logger.warn({ err, replay: id }, `a replay was interrupted: ${err instanceof Error ? err.message : String(err)}`);
      })
      .then(() => this.#deps.leases.release(lease))
      .catch((err: unknown) => this.#deps.logger.warn({ err, replay: id }, 'the lease of a replay could not be given back'))
      .finally(() => this.#running.delete(id));
    this.#running.set(id, { lease, stop, done });
  }

  /** A version of the code that is newer than the serving one is built by itself, once; the old one serves meanwhile. */
  async #askForVersions(): Promise<void> {
    const versions = await this.#deps.builds.versions();
    for (const { name, version } of this.#deps.projections) {
      const mine = versions.filter(({ projection }) => projection === name);
      const serving = mine.find((one) => one.serving);
      if (serving === undefined || serving.version >= version || mine.some((one) => one.version === version)) continue;
      const replayId = `rp-v${version}-${name.replaceAll('_', '-')}`.slice(0, 40);
      const order = { replayId, projection: name, mode: 'rebuild', fromMs: null, untilMs: null, partitions: null, promote: true } as const;
      const command = { type: 'RequestReplay', ...order, reason: `version ${version} of the code` } as const;
      await this.#deps.commands.execute(replayAggregate, replayId, command, { actor: 'system:projector', correlationId: replayId });
    }
  }

  /** Drops what nobody needs any more, whoever left it behind. */
  async #sweep(): Promise<void> {
    const { builds, aggregates, clock, logger } = this.#deps;
    const now = clock.now();
    for (const { id, madeAtMs } of (await builds.list()).filter(({ id, state }) => state === 'building' && sandboxOf(id) === undefined)) {
      const head = await aggregates.load(replayAggregate.context, id);
      const state: ReplayState = head === undefined ? { status: 'absent' } : (head.state as ReplayState);
      const isOver =
        state.status === 'absent'
          ? now - madeAtMs > strayMs
          : isDone(state) || (state.status === 'ready' && state.phase === 'closed' && now - madeAtMs > this.#init.keepMs);
      if (!isOver || this.#running.has(id)) continue;
      await builds.drop(id);
      logger.info({ replay: id }, 'dropped the tables of a replay that is over');
    }
    for (const id of await builds.expire(now - this.#init.keepMs)) logger.info({ build: id }, 'dropped what a replay had replaced');
  }
}

function isDone({ status }: KnownReplay): boolean {
  return status === 'cancelled' || status === 'failed' || status === 'compared';
}
