import type { IncomingEvent } from '#events';
import { EventIntake, type IntakeOptions, type PublishingCaller, type PublishOutcome } from '../../intake/event-intake.ts';
import type { LogEventIntake } from '../../intake/log-event-intake.ts';
import type { Counter, Histogram } from '../metrics/meter.ts';
import { metrics } from '../metrics/metrics.constants.ts';
import type { Telemetry } from '../telemetry.ts';
import { codeOf } from './error-code.ts';

/** Counts what is published, and how it ended, by transport. */
class ObservedIntake extends EventIntake {
  readonly #intake: EventIntake;
  readonly #events: Counter<'transport' | 'outcome'>;
  readonly #errors: Counter<'transport' | 'code'>;
  readonly #seconds: Histogram<'transport'>;

  constructor(intake: EventIntake, { meter }: Telemetry) {
    super();
    this.#intake = intake;
    this.#events = meter.counter(metrics.intakeEvents);
    this.#errors = meter.counter(metrics.intakeErrors);
    this.#seconds = meter.histogram(metrics.intakeSeconds);
  }

  override async publish(events: readonly IncomingEvent[], caller: PublishingCaller, options: IntakeOptions): Promise<readonly PublishOutcome[]> {
    const transport = options.transport ?? 'own';
    const begun = performance.now();
    try {
      const outcomes = await this.#intake.publish(events, caller, options);
      this.#seconds.observe((performance.now() - begun) / 1000, { transport });
      for (const [outcome, count] of countsOf(outcomes)) this.#events.add(count, { transport, outcome });
      return outcomes;
    } catch (error) {
      this.#errors.add(1, { transport, code: codeOf(error) });
      throw error;
    }
  }
}

function countsOf(outcomes: readonly PublishOutcome[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const one of outcomes) {
    const outcome = one.accepted ? (one.duplicate ? 'duplicate' : 'accepted') : one.code;
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  return counts;
}

/** The same intake, seen from outside; itself when nobody looks. */
export function observeIntake(intake: LogEventIntake, telemetry: Telemetry): EventIntake {
  const { meter } = telemetry;
  if (!meter.on) return intake;
  const waiting = meter.gauge(metrics.intakeWaiting);
  meter.onCollect('intake', () => waiting.set(intake.depth, {}));
  return new ObservedIntake(intake, telemetry);
}
