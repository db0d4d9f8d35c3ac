import type { IntakeCounts } from '#core/rtmp';
import { metrics, type Counter, type Telemetry } from '#runtime';

const kinds: Readonly<Record<keyof IntakeCounts, string>> = {
  wraps: 'wrap',
  jumpsForward: 'jump-forward',
  jumpsBack: 'jump-back',
  backSteps: 'back-step',
  driftMs: 'drift-ms',
  unconfigured: 'unconfigured',
  repeatedConfigs: 'repeated-config',
  changedConfigs: 'changed-config',
  otherTracks: 'other-track',
};

/** Adds what one publisher's intake has counted to the metrics of the process. */
export class CorrectionMeter {
  readonly #counter: Counter<'kind'> | undefined;
  #reported: Partial<IntakeCounts> = {};

  constructor(telemetry: Pick<Telemetry, 'meter'> | undefined) {
    this.#counter = telemetry?.meter.counter(metrics.corrections);
  }

  /** What there was in all, without what there was none of: for a log line. */
  get told(): Readonly<Record<string, number>> {
    return Object.fromEntries(Object.entries(this.#reported).filter(([, count]) => count > 0));
  }

  report(counts: Readonly<IntakeCounts>): void {
    for (const name of Object.keys(kinds) as Array<keyof IntakeCounts>) {
      const more = counts[name] - (this.#reported[name] ?? 0);
      if (more > 0) this.#counter?.add(more, { kind: kinds[name] });
    }
    this.#reported = counts;
  }
}
