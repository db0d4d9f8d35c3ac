import {
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  SpanKind as OtelKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span as OtelSpan,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from '../../logging.ts';
import type { TraceSettings } from '../telemetry.config.ts';
import { ErrorTail } from './error-tail.ts';
import { samplerOf } from './sampler.ts';
import { parseTraceparent, type TraceContext } from './traceparent.ts';
import { activeSpan, runInside, Tracer, type Attributes, type OpenSpan, type Span, type SpanInit, type SpanKind } from './tracer.ts';

export interface OtelTracerInit {
  readonly settings: TraceSettings;
  /** `service.name` where OTEL_SERVICE_NAME does not say another. */
  readonly app: string;
  readonly node: string;
  readonly logger: Logger;
  /** For tests and benchmarks; the OTLP exporter otherwise. */
  readonly exporter?: SpanExporter;
}

const kinds: Readonly<Record<SpanKind, OtelKind>> = {
  internal: OtelKind.INTERNAL,
  server: OtelKind.SERVER,
  client: OtelKind.CLIENT,
  producer: OtelKind.PRODUCER,
  consumer: OtelKind.CONSUMER,
};

/** Spans that wait for the exporter; more are dropped, never kept. */
const queueMax = 4096;
const exportEveryMs = 2000;

/** Our word for what the exporters call a low-cardinality class of errors. */
function errorType(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : error instanceof Error ? error.name : '_OTHER';
}

class RecordedSpan implements OpenSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
  readonly #span: OtelSpan;

  constructor(span: OtelSpan) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.traceId = traceId;
    this.spanId = spanId;
    this.sampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
    this.#span = span;
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(attributes);
  }

  link(traceparent: string): void {
    const other = parseTraceparent(traceparent);
    if (other !== undefined) this.#span.addLink({ context: otelContext(other) });
  }

  fail(error: unknown): void {
    this.#span.setAttribute('error.type', errorType(error));
    if (error instanceof Error) this.#span.recordException(error);
    this.#span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
  }

  end(): void {
    this.#span.end();
  }
}

function otelContext({ traceId, spanId, sampled }: TraceContext) {
  return { traceId, spanId, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote: true };
}

/** Spans by the OpenTelemetry SDK, sent by OTLP over HTTP; the exporter reads headers and certificates from the standard variables. */
export class OtelTracer extends Tracer {
  override readonly on = true;
  readonly #provider: TracerProvider;
  readonly #tracer: ReturnType<TracerProvider['getTracer']>;

  constructor(init: OtelTracerInit) {
    super();
    // The SDK has one place for its own complaints in each process.
    diag.setLogger(complaintsTo(init.logger), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
    const sent = new BatchSpanProcessor({
      exporter: init.exporter ?? new OTLPTraceExporter({ url: init.settings.url }),
      maxQueueSize: queueMax,
      scheduledDelayMillis: exportEveryMs,
    });
    this.#provider = new TracerProvider({
      sampler: samplerOf(init.settings),
      resource: resourceFromAttributes({ 'service.name': init.app, 'service.namespace': 'streams', 'service.instance.id': `${init.node}/${init.app}` }).merge(
        detectResources({ detectors: [envDetector] }),
      ),
      spanProcessors: [new ErrorTail(sent)],
      spanLimits: { attributeValueLengthLimit: 1024, linkCountLimit: 128 },
    });
    this.#tracer = this.#provider.getTracer('streams');
  }

  override start(init: SpanInit): OpenSpan {
    const { name, kind, attributes, links, startedAtMs } = init;
    const span = this.#tracer.startSpan(
      name,
      {
        kind: kinds[kind],
        ...(attributes === undefined ? {} : { attributes }),
        ...(startedAtMs === undefined ? {} : { startTime: startedAtMs }),
        ...(links === undefined ? {} : { links: links.flatMap(linkTo) }),
      },
      contextAbove(init.parent === undefined ? activeSpan() : parseTraceparent(init.parent)),
    );
    return new RecordedSpan(span);
  }

  override async run<T>(init: SpanInit, work: (span: Span) => Promise<T>): Promise<T> {
    const span = this.start(init);
    try {
      return await runInside(span, () => work(span));
    } catch (error) {
      span.fail(error);
      throw error;
    } finally {
      span.end();
    }
  }

  /** Sends what has ended. */
  async flush(): Promise<void> {
    await this.#provider.forceFlush({ timeoutMillis: 1500 });
  }

  override async close(): Promise<void> {
    // A collector that is away must not hold up the end of the process.
    await this.flush().catch(() => undefined);
    await this.#provider.shutdown().catch(() => undefined);
    diag.disable();
  }
}

function contextAbove(parent: TraceContext | undefined): Context {
  return parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, otelContext(parent));
}

function linkTo(traceparent: string) {
  const other = parseTraceparent(traceparent);
  return other === undefined ? [] : [{ context: otelContext(other) }];
}

function complaintsTo(logger: Logger) {
  const at = (level: 'warn' | 'debug') => (message: string) => logger[level]({ part: 'tracing' }, message);
  return { error: at('warn'), warn: at('warn'), info: at('debug'), debug: at('debug'), verbose: at('debug') };
}
