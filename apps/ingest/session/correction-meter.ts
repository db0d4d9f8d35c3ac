import type { SessionCounts } from '#core/rtmp';
import { metrics, type Counter, type Telemetry } from '#runtime';

const kinds: Readonly<Record<keyof SessionCounts, string>> = {
  wraps: 'wrap',
  jumpsForward: 'jump-forward',
  jumpsBack: 'jump-back',
  backSteps: 'back-step',
  driftMs: 'drift-ms',
  unconfigured: 'unconfigured',
  repeatedConfigs: 'repeated-config',
  changedConfigs: 'changed-config',
  otherTracks: 'other-track',
  unreadableData: 'unreadable-data',
};

/** Adds what one publisher's intake has counted to the metrics of the process. */
export class CorrectionMeter {
  readonly #counter: Counter<'kind'> | undefined;
  #reported: Partial<SessionCounts> = {};

  constructor(telemetry: Pick<Telemetry, 'meter'> | undefined) {
    this.#counter = telemetry?.meter.counter(metrics.corrections);
  }

  /** What there was in all, without what there was none of: for a log line. */
  get told(): Readonly<Record<string, number>> {
    return Object.fromEntries(Object.entries(this.#reported).filter(([, count]) => count > 0));
  }

  report(counts: Readonly<SessionCounts>): void {
    for (const name of Object.keys(kinds) as Array<keyof SessionCounts>) {
      const more = counts[name] - (this.#reported[name] ?? 0);
      if (more > 0) this.#counter?.add(more, { kind: kinds[name] });
    }
    this.#reported = counts;
  }
}
