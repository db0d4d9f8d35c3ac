import { metrics } from './metrics/metrics.constants.ts';
import type { Telemetry } from './telemetry.ts';

/** An event whose trace is sampled. */
export interface PushedEvent {
  readonly topic: string;
  readonly traceparent: string;
}

/** A sampled event goes to every reader there is: so many spans a second and no more. */
const spansPerSecond = 100;

/** What one way of pushing events to readers is seen to do: readers, events, and the last step of each sampled event's trace. */
export class PushTelemetry {
  readonly #telemetry: Telemetry;
  readonly #transport: string;
  #readers = 0;
  #secondEnds = 0;
  #spansLeft = 0;

  constructor(telemetry: Telemetry, transport: string) {
    this.#telemetry = telemetry;
    this.#transport = transport;
    const readers = telemetry.meter.gauge(metrics.liveReaders);
    telemetry.meter.onCollect(`live readers by ${transport}`, () => readers.set(this.#readers, { transport }));
  }

  opened(): void {
    this.#readers++;
  }

  ended(reason: string): void {
    this.#readers--;
    this.#telemetry.meter.counter(metrics.liveEnds).add(1, { transport: this.#transport, reason });
  }

  /** Told after events have left for one reader: how many, and those whose traces are sampled; `startedAtMs` is when they were at hand, ms since the Unix epoch. */
  sent(count: number, sampled: readonly PushedEvent[], startedAtMs: number): void {
    const { meter, tracer, messaging } = this.#telemetry;
    const transport = this.#transport;
    meter.counter(metrics.liveEvents).add(count, { transport });
    if (!tracer.on) return;
    for (const { topic, traceparent } of sampled) {
      if (!this.#maySpan()) return;
      const attributes = { 'messaging.system': messaging.system, 'messaging.destination.name': topic, 'streams.push.transport': transport };
      tracer.start({ name: `push ${topic}`, kind: 'producer', parent: traceparent, startedAtMs, attributes }).end();
    }
  }

  #maySpan(): boolean {
    const now = performance.now();
    if (now >= this.#secondEnds) [this.#secondEnds, this.#spansLeft] = [now + 1000, spansPerSecond];
    return this.#spansLeft-- > 0;
  }
}
