import { AsyncLocalStorage } from 'node:async_hooks';
import { formatTraceparent, type TraceContext } from './traceparent.ts';

export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

export interface SpanInit {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes?: Attributes;
  /** `traceparent` of the span above; without one, the active span, or none. */
  readonly parent?: string | undefined;
  /** `traceparent`s of what this span has to do with and is not part of. */
  readonly links?: readonly string[];
  /** Now, unless it began before anybody knew, ms since the Unix epoch. */
  readonly startedAtMs?: number | undefined;
}

/** A span as the code inside it sees it. */
export interface Span extends TraceContext {
  set(attributes: Attributes): void;
  link(traceparent: string): void;
  /** Marks the span as failed: it is exported whatever the sampling said. */
  fail(error: unknown): void;
}

export interface OpenSpan extends Span {
  end(): void;
}

/** Makes spans. It knows no vendor: OpenTelemetry stands behind it when there is somewhere to send spans to. */
export abstract class Tracer {
  /** False when nothing is recorded: what would be prepared for a span is not needed. */
  abstract readonly on: boolean;
  /** Begins a span that the caller ends. It is not active: see {@link runInside}. */
  abstract start(init: SpanInit): OpenSpan;
  /** Runs work inside a new span. `work` is called at once, before this returns; an error that leaves it fails the span. */
  abstract run<T>(init: SpanInit, work: (span: Span) => Promise<T>): Promise<T>;
  /** Sends what is waiting and closes. */
  abstract close(): Promise<void>;
}

/** What the code that runs now is part of. Trace context belongs to the flow of calls, as the call stack does: it is no setting. */
const active = new AsyncLocalStorage<Span>();

export function activeSpan(): Span | undefined {
  return active.getStore();
}

/** The context that an event or a request made now carries; undefined outside all spans. */
export function activeTraceparent(): string | undefined {
  const span = active.getStore();
  return span === undefined ? undefined : formatTraceparent(span);
}

export function runInside<T>(span: Span, work: () => T): T {
  return active.run(span, work);
}

const noSpan: OpenSpan = {
  traceId: '0'.repeat(32),
  spanId: '0'.repeat(16),
  sampled: false,
  set: () => undefined,
  link: () => undefined,
  fail: () => undefined,
  end: () => undefined,
};

class NoTracer extends Tracer {
  override readonly on = false;

  override start(): OpenSpan {
    return noSpan;
  }

  override run<T>(_init: SpanInit, work: (span: Span) => Promise<T>): Promise<T> {
    return work(noSpan);
  }

  override async close(): Promise<void> {
    // nothing was opened
  }
}

/** Records nothing, and leaves no span active. */
export const noTracer: Tracer = new NoTracer();
