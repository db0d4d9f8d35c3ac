import { isSampled, PushTelemetry, type PushedEvent, type Telemetry } from '#runtime';
import type { Delivery, SubscriptionEnd, SubscriptionSink } from './subscription.ts';

export interface ObservedSink {
  readonly sink: SubscriptionSink;
  /** Counts the reader until its subscription has ended. */
  until(subscription: Promise<SubscriptionEnd>): Promise<SubscriptionEnd>;
}

/** Sees what sinks write, whatever their protocol. */
export class SinkObserver {
  readonly #telemetry: Telemetry;
  readonly #transports = new Map<string, PushTelemetry>();

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  observe(sink: SubscriptionSink): ObservedSink {
    const push = this.#pushBy(sink.transport ?? 'other');
    push.opened();
    return {
      sink: this.#telemetry.tracer.on || this.#telemetry.meter.on ? new TellingSink(sink, push) : sink,
      until: async (subscription) => {
        let end: SubscriptionEnd = 'failed';
        try {
          end = await subscription;
        } finally {
          push.ended(end);
        }
        return end;
      },
    };
  }

  #pushBy(transport: string): PushTelemetry {
    const known = this.#transports.get(transport) ?? new PushTelemetry(this.#telemetry, transport);
    this.#transports.set(transport, known);
    return known;
  }
}

/** A sink that tells what it delivers. */
class TellingSink implements SubscriptionSink {
  readonly #sink: SubscriptionSink;
  readonly #push: PushTelemetry;

  constructor(sink: SubscriptionSink, push: PushTelemetry) {
    this.#sink = sink;
    this.#push = push;
  }

  get ready(): boolean {
    return this.#sink.ready;
  }

  get held(): boolean {
    return this.#sink.held;
  }

  get gone(): boolean {
    return this.#sink.gone;
  }

  get eventsMax(): number {
    return this.#sink.eventsMax;
  }

  watch(wake: () => void): void {
    this.#sink.watch(wake);
  }

  open(token: string): void {
    this.#sink.open(token);
  }

  deliver(delivery: Delivery): void {
    const startedAtMs = Date.now();
    this.#sink.deliver(delivery);
    this.#push.sent(delivery.events.length, tracesOf(delivery), startedAtMs);
  }

  beat(token: string): void {
    this.#sink.beat(token);
  }

  end(end: Exclude<SubscriptionEnd, 'client-gone'>, token: string, error?: unknown): void {
    this.#sink.end(end, token, error);
  }
}

/** Of the sampled events alone: most deliveries have none. */
function tracesOf({ events }: Delivery): readonly PushedEvent[] {
  const sampled: PushedEvent[] = [];
  for (const { entry } of events) {
    const traceparent = entry.record.headers['ce_traceparent'];
    if (isSampled(traceparent)) sampled.push({ topic: entry.topic, traceparent });
  }
  return sampled;
}
