import { afterEach, describe, expect, test } from '@jest/globals';
import { MemoryAggregateStore, MemoryEventLog, MemoryLeaseStore, MemoryOutbox, MemoryProjectionStore } from '#adapters/memory';
import { SystemClock } from '#adapters/system';
import { OperatingError } from '#kernel';
import { eventLogErrors, Outbox } from '#ports';
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { SpanStatusCode } from '@opentelemetry/api';
import { pino } from 'pino';
import { createLogger } from '../logging.ts';
import { OutboxRelay } from '../outbox-relay.ts';
import { pause } from '../pause.ts';
import { Health } from './health.ts';
import { allMetrics } from './metrics/metrics.constants.ts';
import { PromMeter, seriesMax } from './metrics/prom-meter.ts';
import { ObservedEventLog } from './observed/observed-event-log.ts';
import { observeEngines } from './observed/observe-engines.ts';
import { SeenEvents } from './observed/seen-events.ts';
import { noTelemetry, type Telemetry } from './telemetry.ts';
import { readTelemetrySettings, telemetryOff } from './telemetry.config.ts';
import { OtelTracer } from './tracing/otel-tracer.ts';
import { messagingSpan, readConventions } from './tracing/messaging.telemetry.ts';
import { formatTraceparent, isSampled, parseTraceparent } from './tracing/traceparent.ts';
import { activeSpan, activeTraceparent, noTracer, type Tracer } from './tracing/tracer.ts';

const silent = pino({ level: 'silent' });
const traceId = '0af7651916cd43dd8448eb211c80319c';
const sampledParent = `00-${traceId}-b7ad6b7169203331-01`;
const unsampledParent = `00-${traceId}-b7ad6b7169203331-00`;

const cleanups: Array<() => unknown> = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function given(sampler: 'always_on' | 'always_off' | 'parentbased_traceidratio' | 'parentbased_always_off', ratio = 0) {
  const exporter = new InMemorySpanExporter();
  const tracer = new OtelTracer({
    settings: { url: 'http://127.0.0.1:1/v1/traces', sampler, ratio, messaging: { conventions: 'new', system: 'kafka' } },
    app: 'test',
    node: 'n',
    logger: silent,
    exporter,
  });
  cleanups.push(() => tracer.close());
  const spans = async (): Promise<readonly ReadableSpan[]> => {
    await tracer.flush();
    return exporter.getFinishedSpans();
  };
  return { tracer, spans };
}

function watched(tracer: Tracer, meter = new PromMeter(silent)): Telemetry {
  return { ...noTelemetry(), tracer, meter, messaging: { conventions: 'new', system: 'kafka' } };
}

const record = (traceparent: string) => ({ key: 'k', headers: { ce_traceparent: traceparent }, value: '{}' });

describe('traceparent', () => {
  test('is read and written as it is', () => {
    expect(formatTraceparent(parseTraceparent(sampledParent) ?? { traceId: '', spanId: '', sampled: false })).toBe(sampledParent);
    expect(parseTraceparent(unsampledParent)?.sampled).toBe(false);
  });

  test.each([
    '',
    'x',
    `ff-${traceId}-b7ad6b7169203331-01`,
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    sampledParent.toUpperCase(),
  ])('%j is none', (text) => expect(parseTraceparent(text)).toBeUndefined());

  test('tells by one character whether somebody records it, for every flag there is', () => {
    for (let flags = 0; flags < 256; flags++) {
      const text = sampledParent.slice(0, -2) + flags.toString(16).padStart(2, '0');
      expect([flags, isSampled(text)]).toEqual([flags, flags % 2 === 1]);
    }
  });
});

describe('a trace', () => {
  test('that nobody chose leaves nothing, unless it fails: then all of it is there', async () => {
    const { tracer, spans } = given('parentbased_traceidratio');
    await tracer.run({ name: 'fine', kind: 'internal' }, async () => undefined);
    const failing = tracer.run({ name: 'outer', kind: 'server' }, async () => {
      await tracer.run({ name: 'before', kind: 'internal' }, async () => undefined);
      await tracer.run({ name: 'inner', kind: 'internal' }, () => Promise.reject(Object.assign(new Error('lost it'), { code: 'LOST' })));
    });
    await expect(failing).rejects.toThrow('lost it');
    const exported = await spans();
    expect(exported.map(({ name }) => name)).toEqual(['before', 'inner', 'outer']);
    expect(new Set(exported.map((span) => span.spanContext().traceId)).size).toBe(1);
    expect(exported[1]).toMatchObject({ status: { code: SpanStatusCode.ERROR, message: 'lost it' }, attributes: { 'error.type': 'LOST' } });
  });

  test('is forgotten whole: thousands of unsampled ones leave no memory behind', async () => {
    const { tracer, spans } = given('parentbased_traceidratio');
    for (let at = 0; at < 5000; at++) tracer.start({ name: 'one', kind: 'internal' }).end();
    const last = tracer.start({ name: 'last', kind: 'internal' });
    last.fail(new Error('now'));
    last.end();
    expect((await spans()).map(({ name }) => name)).toEqual(['last']);
  });

  test('follows the decision of its parent, and of what a batch is linked to', async () => {
    const { tracer, spans } = given('parentbased_traceidratio');
    tracer.start({ name: 'child of sampled', kind: 'server', parent: sampledParent }).end();
    tracer.start({ name: 'child of unsampled', kind: 'server', parent: unsampledParent }).end();
    tracer.start({ name: 'batch', kind: 'producer', links: [sampledParent] }).end();
    tracer.start({ name: 'batch of others', kind: 'producer', links: [unsampledParent] }).end();
    expect((await spans()).map(({ name }) => name)).toEqual(['child of sampled', 'batch']);
  });

  test('is not even kept for an error when tracing is switched off', async () => {
    const { tracer, spans } = given('always_off');
    await expect(tracer.run({ name: 'one', kind: 'internal' }, () => Promise.reject(new Error('lost')))).rejects.toThrow('lost');
    expect(await spans()).toEqual([]);
  });

  test('is what runs inside it, over every wait, and nothing outside', async () => {
    const { tracer } = given('always_on');
    await tracer.run({ name: 'one', kind: 'internal' }, async (span) => {
      await new Promise((resolve) => setImmediate(resolve));
      expect(activeTraceparent()).toBe(formatTraceparent(span));
    });
    expect(activeSpan()).toBeUndefined();
    expect(await noTracer.run({ name: 'none', kind: 'internal' }, async () => activeTraceparent())).toBeUndefined();
  });

  test('is named in each log line inside it', async () => {
    const lines: string[] = [];
    const logger = await createLogger({ name: 'a', node: 'n', logFormat: 'json', logLevel: 'info', destination: { write: (line) => void lines.push(line) } });
    const { tracer } = given('parentbased_traceidratio');
    await tracer.run({ name: 'one', kind: 'internal' }, async (span) => {
      logger.child({ part: 'x' }).info('inside');
      expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'inside', part: 'x', trace_id: span.traceId, span_id: span.spanId });
    });
    logger.info({ reason: 'gone' }, 'outside');
    expect(JSON.parse(lines[1] ?? '')).not.toHaveProperty('trace_id');
  });

  test('a log line has its own fields and none of the line before', async () => {
    const lines: string[] = [];
    const logger = await createLogger({ name: 'a', node: 'n', logFormat: 'json', logLevel: 'info', destination: { write: (line) => void lines.push(line) } });
    logger.info({ ready: true, reason: 'gone' }, 'one');
    logger.info('two');
    expect(Object.keys(JSON.parse(lines[1] ?? '') as object).sort()).toEqual(['level', 'msg', 'name', 'node', 'pid', 'time']);
  });
});

describe('a batch', () => {
  test('is linked to the traces of its events, and is a step in each of them', async () => {
    const { tracer, spans } = given('parentbased_traceidratio');
    const log = new ObservedEventLog(new MemoryEventLog(new SystemClock()), watched(tracer), new SeenEvents());
    await log.ensureTopic('stream', 12);
    await log.append('stream', [record(sampledParent), record(unsampledParent), record(''), record(sampledParent)]);
    const [step, batch] = await spans();
    expect(batch).toMatchObject({ name: 'send stream', attributes: { 'messaging.batch.message_count': 4, 'messaging.operation.name': 'send' } });
    expect(batch?.parentSpanContext).toBeUndefined();
    expect(batch?.links.map(({ context }) => context.spanId)).toEqual(['b7ad6b7169203331']);
    expect(step).toMatchObject({ name: 'send stream', parentSpanContext: { traceId, spanId: 'b7ad6b7169203331' } });
    expect(step?.links.map(({ context }) => context.spanId)).toEqual([batch?.spanContext().spanId]);
  });

  test('that fails is a failed step of each', async () => {
    const { tracer, spans } = given('parentbased_traceidratio');
    const log = new ObservedEventLog(new MemoryEventLog(new SystemClock()), watched(tracer), new SeenEvents());
    await expect(log.append('nowhere', [record(sampledParent)])).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' });
    expect((await spans()).map(({ status, attributes }) => [status.code, attributes['error.type']])).toEqual([
      [SpanStatusCode.ERROR, 'TOPIC_UNKNOWN'],
      [SpanStatusCode.ERROR, 'TOPIC_UNKNOWN'],
    ]);
  });

  test('has the words of the conventions that are asked for', () => {
    const attributes = (optIn: string | undefined): string[] =>
      Object.keys(
        messagingSpan({ operation: 'process', destination: 't', messages: 1, group: 'g' }, { conventions: readConventions(optIn), system: 'kafka' }).attributes,
      ).filter((name) => /operation|group/.test(name));
    expect(attributes(undefined)).toEqual(['messaging.operation', 'messaging.kafka.consumer.group']);
    expect(attributes('http, messaging')).toEqual(['messaging.operation.name', 'messaging.operation.type', 'messaging.consumer.group.name']);
    expect(attributes('messaging/dup')).toEqual([
      'messaging.operation',
      'messaging.operation.name',
      'messaging.operation.type',
      'messaging.consumer.group.name',
    ]);
  });
});

describe('settings', () => {
  test('are off by default, and OpenTelemetry by its own switches', () => {
    expect(readTelemetrySettings({})).toEqual(telemetryOff);
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
    expect(readTelemetrySettings(endpoint).traces).toEqual({
      url: 'http://collector:4318/v1/traces',
      sampler: 'parentbased_traceidratio',
      ratio: 0.01,
      messaging: { conventions: 'old', system: 'streams' },
    });
    expect(readTelemetrySettings({ ...endpoint, OTEL_SDK_DISABLED: 'true' }).traces).toBeUndefined();
    expect(readTelemetrySettings({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }).traces).toBeUndefined();
  });

  test.each([
    [{ METRICS_PORT: '99999' }, 'METRICS_PORT'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' }, 'OTEL_EXPORTER_OTLP_ENDPOINT'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_TRACES_SAMPLER_ARG: '2' }, 'OTEL_TRACES_SAMPLER_ARG'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_TRACES_SAMPLER: 'jaeger_remote' }, 'OTEL_TRACES_SAMPLER'],
    [{ STATSD_HOST: 'h', STATSD_TAGS: 'a=b' }, 'STATSD_TAGS'],
  ])('%j is refused by name', (env, message) => expect(() => readTelemetrySettings(env)).toThrow(message));
});

describe('metrics', () => {
  test('are named by the rules, and no label can hold an id', () => {
    const labels = new Set(allMetrics.flatMap((metric) => metric.labels));
    expect([...labels].filter((label) => /(^|_)(id|stream|subject|key|path|url|address|tenant)$/.test(label))).toEqual([]);
    for (const { kind, name, help } of allMetrics) {
      expect(name).toMatch(kind === 'counter' ? /^streams_[a-z_]+_total$/ : kind === 'histogram' ? /^streams_[a-z_]+_seconds$/ : /^streams_[a-z_]+$/);
      expect(help).toMatch(/^[A-Z].*\.$/);
    }
    expect(new Set(allMetrics.map(({ name }) => name)).size).toBe(allMetrics.length);
  });

  test('stop growing when a label takes ever new values', async () => {
    const meter = new PromMeter(silent);
    const counter = meter.counter({ kind: 'counter', name: 'streams_x_total', help: 'X.', labels: ['code'], apps: [] });
    for (let at = 0; at < seriesMax + 500; at++) counter.add(1, { code: `c${at}` });
    const series = (await meter.samples()).filter(({ name }) => name === 'streams_x_total');
    expect(series.length).toBe(seriesMax + 1);
    expect(series.find(({ labels }) => labels['code'] === 'other')?.value).toBe(500);
  });

  test('are shown although one of their sources fails', async () => {
    const meter = new PromMeter(silent);
    meter.onCollect('broken', () => Promise.reject(new Error('away')));
    const gauge = meter.gauge({ kind: 'gauge', name: 'streams_y', help: 'Y.', labels: [], apps: [] });
    meter.onCollect('fine', () => gauge.set(7, {}));
    expect(await meter.exposition()).toContain('\nstreams_y 7\n');
  });

  test('say what waits in an outbox, what leases are held, and what an append costs', async () => {
    const clock = new SystemClock();
    const meter = new PromMeter(silent);
    const outbox = new MemoryOutbox(clock);
    const engines = observeEngines({ clock, outbox, log: new MemoryEventLog(clock), leases: new MemoryLeaseStore(clock) }, watched(noTracer, meter));
    outbox.add('stream', [{ key: 'k', headers: { ce_time: new Date(Date.now() - 60_000).toISOString() }, value: '{}' }]);
    await engines.leases.acquire('consumer/x@1/stream/0-2', 'me', 1000);
    const gone = await engines.leases.acquire('consumer/x@1/stream/3-5', 'me', 1000);
    if (gone !== undefined) await engines.leases.release(gone);
    await engines.log.ensureTopic('stream', 12);
    await engines.log.append('stream', [record('')]);
    await engines.log.append('nowhere', [record('')]).catch(() => undefined);
    const text = await meter.exposition();
    expect(text).toContain('streams_outbox_rows 1\n');
    expect(Number(/streams_outbox_oldest_seconds ([\d.]+)/.exec(text)?.[1])).toBeGreaterThanOrEqual(60);
    expect(text).toContain('streams_leases_held{family="consumer"} 1\n');
    expect(text).toContain('streams_log_append_seconds_count{topic="stream"} 1\n');
    expect(text).toMatch(/streams_log_append_bytes_total\{topic="stream"\} \d+\n/);
    expect(text).toContain('streams_log_append_errors_total{topic="nowhere",code="TOPIC_UNKNOWN"} 1\n');
  });

  test('cost no step where nobody looks: the engines stay themselves', () => {
    const clock = new SystemClock();
    const engines = {
      clock,
      log: new MemoryEventLog(clock),
      projections: new MemoryProjectionStore(clock),
      aggregates: new MemoryAggregateStore(new MemoryOutbox(clock)),
    };
    expect(observeEngines(engines, noTelemetry())).toBe(engines);
  });
});

describe('health', () => {
  test('is movement: a loop that goes round is well however late, one that waits for ever is not', () => {
    let now = 0;
    const health = new Health(1000, () => now);
    const [quick, hung] = [health.loop('quick'), health.loop('hung', 500)];
    now = 1600;
    quick.beat();
    expect(health.moving()).toEqual({ ok: false, problems: ['hung has stood still for 2 s'], remarks: [] });
    hung.beat();
    expect(health.moving()).toEqual({ ok: true, problems: [], remarks: [] });
    hung.end();
    now = 2500;
    expect(health.moving().ok).toBe(true);
  });

  test('is ready when it serves and everything answers, and says what does not', async () => {
    let now = 0;
    const health = new Health(1000, () => now);
    let fails = true;
    health.needs('database', async () => {
      if (fails) throw new Error('refused');
    });
    expect(await health.ready()).toEqual({ ok: false, problems: ['the process is starting'], remarks: [] });
    health.serving();
    expect(await health.ready()).toEqual({ ok: false, problems: ['database: refused'], remarks: [] });
    [fails, now] = [false, 10_000];
    expect(await health.ready()).toEqual({ ok: true, problems: [], remarks: [] });
    health.remark('kept', () => ['3 are kept']);
    expect(health.moving()).toEqual({ ok: true, problems: [], remarks: ['3 are kept'] });
    expect((await health.ready()).remarks).toEqual(['3 are kept']);
    health.stopping();
    expect(await health.ready()).toEqual({ ok: false, problems: ['the process is stopping'], remarks: ['3 are kept'] });
    // What ends stands still, and is not to be killed for it.
    health.loop('x');
    now = 99_999;
    expect(health.moving().ok).toBe(true);
  });

  test('sees the relay that waits for an outbox which never answers', async () => {
    class HungOutbox extends Outbox {
      override take(_rows: number, _waitMs: number, signal?: AbortSignal): Promise<never[]> {
        return new Promise((resolve) => signal?.addEventListener('abort', () => resolve([])));
      }
      override forget = async (): Promise<void> => undefined;
      override backlog = async () => ({ rows: 0, oldestMs: undefined });
    }
    let now = 0;
    const health = new Health(1000, () => now);
    const clock = new SystemClock();
    const relay = new OutboxRelay(
      { owner: 'r' },
      { outbox: new HungOutbox(), log: new MemoryEventLog(clock), leases: new MemoryLeaseStore(clock), logger: silent, health },
    );
    await relay.start();
    expect(health.moving().ok).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
    now = 10_000;
    expect(health.moving().problems).toEqual(['outbox relay has stood still for 10 s']);
    await relay.stop();
    expect(health.moving().ok).toBe(true);
  });

  test('sees the relay whose rows the log refuses for good, and leaves one in peace whose log is away', async () => {
    class RefusingLog extends MemoryEventLog {
      error: OperatingError | undefined;

      override async append(...call: Parameters<MemoryEventLog['append']>): ReturnType<MemoryEventLog['append']> {
        if (this.error !== undefined) throw this.error;
        return super.append(...call);
      }
    }
    let now = 0;
    const health = new Health(1000, () => now);
    const clock = new SystemClock();
    const [log, outbox] = [new RefusingLog(clock), new MemoryOutbox(clock)];
    log.error = new OperatingError('Away.', { code: 'LOG_UNAVAILABLE', retryable: true });
    const relay = new OutboxRelay({ owner: 'r', retryMs: 1 }, { outbox, log, leases: new MemoryLeaseStore(clock), logger: silent, health });
    outbox.add('stream', [record('')]);
    await relay.start();
    await pause(10);
    const refusedMs = (): number => health.refused().get('outbox relay') ?? 0;
    const later = (): readonly string[] => {
      now += 2000;
      return health.moving().problems;
    };
    expect(later()).toEqual([]);
    expect(refusedMs()).toBe(0);

    log.error = eventLogErrors.sequenceGap('outbox', 46n, 29n);
    while (refusedMs() === 0) {
      await pause(1);
      now += 1;
    }
    expect(later()).toEqual([expect.stringMatching(/^outbox relay has been refused for \d+ s: The producer outbox sent sequence 46, but 29 is next\.$/)]);

    log.error = undefined;
    while (refusedMs() > 0) await pause(1);
    expect(later()).toEqual([]);
    expect((await log.heads('stream')).reduce((sum, { high }) => sum + high, 0n)).toBe(1n);
    await relay.stop();
  });
});
