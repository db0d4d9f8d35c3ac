import { SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';

type StartedSpan = Parameters<SpanProcessor['onStart']>[0];

/** This process's part of a trace that was not sampled. */
interface Undecided {
  open: number;
  failed: boolean;
  readonly ended: ReadableSpan[];
}

/** Traces undecided at once, and spans kept of each: an error beyond that is exported without what came before it. */
const tracesMax = 2048;
const spansMax = 64;

function isSampled(span: { spanContext(): { traceFlags: number } }): boolean {
  return (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
}

/**
 * Decides at the end what the sampling left out at the beginning: when a span of a trace fails, everything this process
 * knows of the trace is exported; when its last span ends and none has failed, everything is forgotten.
 */
export class ErrorTail implements SpanProcessor {
  readonly #next: SpanProcessor;
  readonly #undecided = new Map<string, Undecided>();

  constructor(next: SpanProcessor) {
    this.#next = next;
  }

  onStart(span: StartedSpan): void {
    if (isSampled(span)) return;
    const { traceId } = span.spanContext();
    const known = this.#undecided.get(traceId);
    if (known !== undefined) known.open++;
    else if (this.#undecided.size < tracesMax) this.#undecided.set(traceId, { open: 1, failed: false, ended: [] });
  }

  onEnd(span: ReadableSpan): void {
    if (isSampled(span)) return this.#next.onEnd(span);
    const { traceId } = span.spanContext();
    const failed = span.status.code === SpanStatusCode.ERROR;
    const trace = this.#undecided.get(traceId);
    if (trace === undefined) {
      if (failed) this.#next.onEnd(asSampled(span));
      return;
    }
    trace.failed ||= failed;
    if (trace.ended.length < spansMax || failed) trace.ended.push(span);
    if (trace.failed) for (const one of trace.ended.splice(0)) this.#next.onEnd(asSampled(one));
    if (--trace.open <= 0) this.#undecided.delete(traceId);
  }

  forceFlush(): Promise<void> {
    return this.#next.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#next.shutdown();
  }
}

/** The span with the flag that lets it out. */
function asSampled(span: ReadableSpan): ReadableSpan {
  const context = { ...span.spanContext(), traceFlags: TraceFlags.SAMPLED };
  const { name, kind, parentSpanContext, startTime, endTime, status, attributes, links, events, duration, ended, resource, instrumentationScope } = span;
  const { droppedAttributesCount, droppedEventsCount, droppedLinksCount } = span;
  return {
    ...{ name, kind, startTime, endTime, status, attributes, links, events, duration, ended, resource, instrumentationScope },
    ...{ droppedAttributesCount, droppedEventsCount, droppedLinksCount },
    ...(parentSpanContext === undefined ? {} : { parentSpanContext }),
    spanContext: () => context,
  };
}
