import {
  adviseScale,
  candidatesOf,
  edgeScaleTable,
  isOurs,
  noAdvice,
  registryOf,
  type ScaleRules,
  type ScaleState,
  type SteeringCandidate,
} from '#domain/edge';
import { edgeScaleAdvised, topicPartitions } from '#events';
import type { Clock, EventLog, Lease, LeaseStore, ReadStore } from '#ports';
import { readRegistryRows } from '#read-models';
import { metrics, pause, type FactPublisher, type Logger, type Telemetry } from '#runtime';

export interface ScaleAdvisorInit {
  /** This process; unique. */
  readonly owner: string;
  readonly rules: ScaleRules;
  readonly keysRequired: boolean;
  /** Between two looks, ms; 5 s by default. */
  readonly lookMs?: number;
}

export interface ScaleAdvisorDeps {
  readonly reads: ReadStore;
  readonly leases: LeaseStore;
  readonly facts: FactPublisher;
  readonly log: Pick<EventLog, 'ensureTopic'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

const leaseName = 'scale-advice';
const leaseTtlMs = 20_000;
const regionsMax = 1000;

interface Fleet {
  readonly current: number;
  /** On average, of those that say. */
  readonly load: number | null;
}

/** What each region has that takes clients; one whose edges have all gone has none. */
export function fleetsOf(candidates: readonly SteeringCandidate[]): ReadonlyMap<string, Fleet> {
  const regions = Map.groupBy(
    candidates.filter((edge) => edge.region !== null && isOurs(edge)),
    ({ region }) => region as string,
  );
  return new Map(
    [...regions].slice(0, regionsMax).map(([region, edges]) => {
      const serving = edges.filter(({ state }) => state === 'up');
      const loads = serving.map(({ load }) => load).filter((load) => load !== null);
      return [region, { current: serving.length, load: loads.length === 0 ? null : loads.reduce((sum, load) => sum + load, 0) / loads.length }];
    }),
  );
}

/** Advises how many edges each region should have; one projector at once, by a lease. Whoever scales reads the event, or the metric. */
export class ScaleAdvisor {
  readonly #init: Required<ScaleAdvisorInit>;
  readonly #deps: ScaleAdvisorDeps;
  readonly #stop = new AbortController();
  readonly #states = new Map<string, ScaleState>();
  #lease: Lease | undefined;
  #running: Promise<void> | undefined;

  constructor(init: ScaleAdvisorInit, deps: ScaleAdvisorDeps) {
    this.#init = { lookMs: 5000, ...init };
    this.#deps = deps;
    const gauge = deps.telemetry.meter.gauge(metrics.edgeDesiredReplicas);
    deps.telemetry.meter.onCollect('scale advice', () => {
      gauge.clear();
      for (const [region, { desired }] of this.#states) if (desired !== null) gauge.set(desired, { region });
    });
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    if (this.#lease !== undefined) await this.#deps.leases.release(this.#lease).catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { logger, telemetry } = this.#deps;
    const { signal } = this.#stop;
    const heart = telemetry.health.loop('scale advice', this.#init.lookMs);
    while (!signal.aborted) {
      heart.beat();
      try {
        if (await this.#holds()) await this.look();
      } catch (err) {
        if (!signal.aborted) logger.warn({ err }, 'how many edges there should be could not be told; trying again');
      }
      await pause(this.#init.lookMs, signal);
    }
    heart.end();
  }

  /** Looks once, under a lease that is held. */
  async look(): Promise<void> {
    const { clock, reads } = this.#deps;
    const edges = registryOf(await readRegistryRows(reads), { nowMs: clock.now(), keysRequired: this.#init.keysRequired });
    for (const [region, fleet] of fleetsOf(candidatesOf(edges, () => 'unknown'))) {
      const { advice, state } = adviseScale(this.#states.get(region) ?? noAdvice, { nowMs: clock.now(), ...fleet }, this.#init.rules);
      if (advice !== undefined) await this.#tell(region, fleet, advice.desired, advice.reason);
      // After it is told: what was not told is told again.
      this.#states.set(region, state);
    }
  }

  async #tell(region: string, { current, load }: Fleet, desired: number, reason: string): Promise<void> {
    const { facts, logger } = this.#deps;
    const draft = edgeScaleAdvised.draft({ region, current, desired, load: load ?? 0, reason });
    await facts.publish('zone', [draft], { producer: { id: 'scale-advice', epoch: this.#lease?.epoch ?? 0n }, signal: this.#stop.signal });
    logger.info({ region, current, desired, load }, `the region ${region} should have ${desired} edges: ${reason}`);
  }

  /** Whoever takes over goes on from what was advised last. */
  async #holds(): Promise<boolean> {
    const { leases, log, reads } = this.#deps;
    if (this.#lease !== undefined && (await leases.renew(this.#lease, leaseTtlMs))) return true;
    this.#states.clear();
    this.#lease = await leases.acquire(leaseName, this.#init.owner, leaseTtlMs);
    if (this.#lease === undefined) return false;
    await log.ensureTopic('zone', topicPartitions);
    const rows = await reads.select(edgeScaleTable, { limit: regionsMax });
    for (const row of rows) {
      if (row['origin'] !== '') continue;
      this.#states.set(String(row['region']), { desired: Number(row['desired']), advisedAtMs: Number(row['at_ms']), wanted: [] });
    }
    return true;
  }
}
