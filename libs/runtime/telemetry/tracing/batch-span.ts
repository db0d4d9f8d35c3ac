import type { Span, SpanInit, Tracer } from './tracer.ts';
import { formatTraceparent } from './traceparent.ts';
import { activeSpan } from './tracer.ts';

/** Most events of one batch that get spans in their own traces. */
export const tracedPerBatchMax = 64;

/** An event of a batch whose trace is sampled. */
export interface TracedEvent {
  readonly traceparent: string;
  /** When this step began for it, ms since the Unix epoch; with the batch when undefined. */
  readonly startedAtMs?: number;
}

/**
 * Runs the work of a batch inside a span that is linked to the traces of its events, for a batch belongs to many traces
 * and is part of none. Each of those traces gets a span of its own for this step, linked back to the batch: so one
 * event's way is one trace from its publication to its readers. Events of the trace that is active already need neither.
 */
export function runBatch<T>(tracer: Tracer, init: SpanInit, events: readonly TracedEvent[], work: (span: Span) => Promise<T>): Promise<T> {
  const above = activeSpan()?.traceId;
  const others = above === undefined ? events : events.filter(({ traceparent }) => !traceparent.includes(above));
  const startedAtMs = Date.now();
  return tracer.run({ ...init, links: others.map(({ traceparent }) => traceparent) }, async (span) => {
    try {
      const result = await work(span);
      for (const one of others) stepOf(tracer, init, one, startedAtMs, span).end();
      return result;
    } catch (error) {
      for (const one of others) {
        const step = stepOf(tracer, init, one, startedAtMs, span);
        step.fail(error);
        step.end();
      }
      throw error;
    }
  });
}

function stepOf(tracer: Tracer, { name, kind, attributes }: SpanInit, one: TracedEvent, startedAtMs: number, batch: Span) {
  return tracer.start({
    ...{ name, kind, parent: one.traceparent, links: [formatTraceparent(batch)], startedAtMs: one.startedAtMs ?? startedAtMs },
    ...(attributes === undefined ? {} : { attributes }),
  });
}
