import type { KeptErasureCount, KeptErasures } from '#ports';
import { LeasedWorker, metrics, pause, type LeasedWorkerDeps, type LeasedWorkerInit, type RegionSecrets, type Telemetry, type Tenure } from '#runtime';
import { countOf, whyKeptNow, type RegionErasures } from './region-erasures.ts';

export interface ErasureKeeperInit extends Pick<LeasedWorkerInit, 'owner' | 'retryMs'> {
  /** Between two looks at what is kept, ms; a minute by default. */
  readonly lookMs?: number;
}

export interface ErasureKeeperDeps extends LeasedWorkerDeps {
  readonly erasures: Pick<RegionErasures, 'begin' | 'goOn' | 'locked'>;
  readonly kept: KeptErasures;
  readonly secrets: RegionSecrets;
  readonly telemetry: Telemetry;
}

const work = { worker: 'erasures of other regions', lease: 'kept-erasures', trouble: 'kept erasures of other regions are not looked after' };

/** Does erasures of other regions that had to be kept, once they can be done: at the start, then now and then. Shows what is kept. */
export class ErasureKeeper {
  readonly #lookMs: number;
  readonly #deps: ErasureKeeperDeps;
  readonly #worker: LeasedWorker;
  #remarks: readonly string[] = [];

  constructor({ lookMs = 60_000, ...init }: ErasureKeeperInit, deps: ErasureKeeperDeps) {
    this.#lookMs = lookMs;
    this.#deps = deps;
    this.#worker = new LeasedWorker({ ...work, ...init }, deps, (tenure) => this.#keep(tenure));
    const { telemetry } = deps;
    const gauge = telemetry.meter.gauge(metrics.keptErasures);
    const lockedGauge = telemetry.meter.gauge(metrics.lockedSubjectKeys);
    telemetry.meter.onCollect('kept erasures', async () => {
      lockedGauge.set(countOf(deps.erasures.locked), {});
      const counts = await this.#look();
      gauge.clear();
      for (const [origin, all] of Map.groupBy(counts, (one) => one.origin)) gauge.set(sumOf(all), { origin });
    });
    telemetry.health.remark('kept erasures', () => this.#remarks);
  }

  start(): void {
    this.#worker.start();
  }

  stop(): Promise<void> {
    return this.#worker.stop();
  }

  async #keep({ signal, moved }: Tenure): Promise<void> {
    const { erasures } = this.#deps;
    await erasures.begin(signal);
    for (; !signal.aborted; await erasures.goOn(signal)) {
      await this.#look();
      moved();
      await pause(this.#lookMs, signal);
    }
  }

  async #look(): Promise<readonly KeptErasureCount[]> {
    const { erasures, kept, secrets } = this.#deps;
    const counts = await kept.counts();
    this.#remarks = counts.map(
      ({ origin, check, count }) =>
        `${count === 1 ? '1 erasure' : `${count} erasures`} of the region ${origin} ${count === 1 ? 'is' : 'are'} kept, not done: ${whyKeptNow(secrets.whyKept(check), erasures.locked)}`,
    );
    return counts;
  }
}

function sumOf(counts: ReadonlyArray<{ readonly count: number }>): number {
  return counts.reduce((sum, { count }) => sum + count, 0);
}
