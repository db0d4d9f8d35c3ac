import type { Lifecycle } from '../lifecycle.ts';
import type { Logger } from '../logging.ts';
import { Health } from './health.ts';
import { allMetrics, metrics } from './metrics/metrics.constants.ts';
import { noMeter, type Meter } from './metrics/meter.ts';
import { telemetryOff, type TelemetrySettings } from './telemetry.config.ts';
import type { MessagingNames } from './tracing/messaging.telemetry.ts';
import { noTracer, type Tracer } from './tracing/tracer.ts';
import { WatchServer } from './watch-server.ts';

/** How a process is seen from outside. Its parts are always there; those that nobody asked for do nothing. */
export interface Telemetry {
  readonly tracer: Tracer;
  readonly meter: Meter;
  readonly health: Health;
  readonly messaging: MessagingNames;
  /** Where `/metrics`, `/healthz` and `/readyz` are served. */
  readonly watchUrl: string | undefined;
}

export interface TelemetryInit {
  readonly app: string;
  readonly node: string;
  readonly settings: TelemetrySettings;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
}

const embeddedLog: MessagingNames = { conventions: 'old', system: 'streams' };

/** For tests, and for parts that stand alone. */
export function noTelemetry(): Telemetry {
  return { tracer: noTracer, meter: noMeter, health: new Health(telemetryOff.stallMs), messaging: embeddedLog, watchUrl: undefined };
}

/** Opens what the settings ask for, and closes it last of all. Libraries are loaded only where they are used. */
export async function openTelemetry(init: TelemetryInit): Promise<Telemetry> {
  const { app, node, settings, lifecycle } = init;
  const health = new Health(settings.stallMs);
  const [tracer, meter] = await Promise.all([openTracer(init), openMeter(init)]);
  lifecycle.stopping.addEventListener('abort', () => health.stopping());
  // The engines are closed in the same phase and opened later, so that what closing them says is still sent.
  lifecycle.onStop('engines', 'tracing', () => tracer.close());
  declare(meter);
  meter.gauge(metrics.buildInfo).set(1, { app, node });
  for (const [cause, count] of settings.restarts) meter.counter(metrics.restarts).reach(count, { cause });
  const quiet = meter.gauge(metrics.loopQuietSeconds);
  const refused = meter.gauge(metrics.loopRefusedSeconds);
  meter.onCollect('loops', () => {
    quiet.clear();
    refused.clear();
    for (const [loop, ms] of health.quiet()) quiet.set(ms / 1000, { loop });
    for (const [loop, ms] of health.refused()) refused.set(ms / 1000, { loop });
  });
  await exportToStatsd(init, meter);
  const watchUrl = await listen(init, meter, health);
  return { tracer, meter, health, messaging: settings.traces?.messaging ?? embeddedLog, watchUrl };
}

/** All metrics of the app are there from the beginning, so that a dashboard finds their names before anything has happened. */
function declare(meter: Meter): void {
  for (const spec of allMetrics) meter[spec.kind](spec);
}

async function openTracer({ settings, app, node, logger }: TelemetryInit): Promise<Tracer> {
  if (settings.traces === undefined) return noTracer;
  const { OtelTracer } = await import('./tracing/otel-tracer.ts');
  return new OtelTracer({ settings: settings.traces, app, node, logger });
}

async function openMeter({ settings, logger, app }: TelemetryInit): Promise<Meter> {
  if (settings.metrics === undefined && settings.statsd === undefined) return noMeter;
  const { PromMeter } = await import('./metrics/prom-meter.ts');
  return new PromMeter(logger, app);
}

async function exportToStatsd({ settings, app, logger, lifecycle }: TelemetryInit, meter: Meter): Promise<void> {
  if (settings.statsd === undefined) return;
  const { StatsdExport } = await import('./metrics/statsd-export.ts');
  const statsd = new StatsdExport(settings.statsd, app, meter, logger);
  lifecycle.onStop('leases', 'statsd', () => statsd.stop());
  statsd.start();
}

async function listen({ settings, app, node, logger, lifecycle }: TelemetryInit, meter: Meter, health: Health): Promise<string | undefined> {
  if (settings.metrics === undefined) return undefined;
  const server = new WatchServer({ app, node, meter, health, logger });
  const url = await server.listen(settings.metrics);
  lifecycle.onStop('leases', 'watch server', () => server.close());
  logger.debug({ url }, `metrics at ${url}/metrics, health at ${url}/healthz and ${url}/readyz`);
  return url;
}
