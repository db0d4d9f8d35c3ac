import { invalidSetting, readChoice, readInteger, readPort, readText, type Environment } from '../setting-values.config.ts';
import { readConventions, type MessagingNames } from './tracing/messaging.telemetry.ts';

export const samplers = ['always_on', 'always_off', 'traceidratio', 'parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'] as const;

export interface TraceSettings {
  /** Where spans go, with its path. */
  readonly url: string;
  readonly sampler: (typeof samplers)[number];
  /** Share of the traces that begin here and are sampled, 0 to 1. */
  readonly ratio: number;
  readonly messaging: MessagingNames;
}

export interface MetricsSettings {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

export interface StatsdSettings {
  readonly host: string;
  readonly port: number;
  /** Put before every name, with its dot. */
  readonly prefix: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly intervalMs: number;
}

export interface TelemetrySettings {
  /** Undefined when there is nowhere to send spans to. */
  readonly traces: TraceSettings | undefined;
  /** Where `/metrics`, `/healthz` and `/readyz` are served; undefined for nowhere. */
  readonly metrics: MetricsSettings | undefined;
  readonly statsd: StatsdSettings | undefined;
  /** A loop that has not moved for so long stands still, ms. */
  readonly stallMs: number;
  /** How often the supervisor has started this app again, by cause. */
  readonly restarts: ReadonlyMap<string, number>;
}

/** Everything off: what a process has that nobody watches. */
export const telemetryOff: TelemetrySettings = { traces: undefined, metrics: undefined, statsd: undefined, stallMs: 30_000, restarts: new Map() };

/** @throws OperatingError `SETTING_INVALID` naming the variable. */
export function readTelemetrySettings(env: Environment): TelemetrySettings {
  return {
    traces: readTraces(env),
    metrics: env['METRICS_PORT'] ? { host: env['METRICS_HOST'] || '127.0.0.1', port: readPort(env, 'METRICS_PORT', 0) } : undefined,
    statsd: readStatsd(env),
    stallMs: readInteger(env, 'HEALTH_STALL_MS', telemetryOff.stallMs, 500, 3_600_000),
    restarts: readRestarts(env['STREAMS_RESTARTS'] ?? ''),
  };
}

/** The standard variables of OpenTelemetry; those of the exporter itself (headers, certificates, timeouts) it reads by itself. */
function readTraces(env: Environment): TraceSettings | undefined {
  const base = env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  // The general address is a base, that of the traces is taken as it is.
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || (base ? `${base.replace(/\/$/, '')}/v1/traces` : undefined);
  const exporter = readChoice(env, 'OTEL_TRACES_EXPORTER', ['otlp', 'none'], 'otlp');
  if (!endpoint || exporter === 'none' || env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return undefined;
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    throw invalidSetting('OTEL_EXPORTER_OTLP_ENDPOINT', `must be an http or https URL, but is ${JSON.stringify(endpoint)}`);
  }
  return {
    url: endpoint,
    sampler: readChoice(env, 'OTEL_TRACES_SAMPLER', samplers, 'parentbased_traceidratio'),
    ratio: readRatio(env),
    messaging: { conventions: readConventions(env['OTEL_SEMCONV_STABILITY_OPT_IN']), system: env['KAFKA_BROKERS'] ? 'kafka' : 'streams' },
  };
}

/** `cause:count,cause:count`, as the supervisor hands it down. */
function readRestarts(text: string): ReadonlyMap<string, number> {
  return new Map([...text.matchAll(/([a-z]{1,16}):(\d{1,9})/g)].map((match) => [match[1] as string, Number(match[2])]));
}

function readRatio(env: Environment): number {
  const text = env['OTEL_TRACES_SAMPLER_ARG'] || '0.01';
  const ratio = Number(text);
  if (!(ratio >= 0 && ratio <= 1)) throw invalidSetting('OTEL_TRACES_SAMPLER_ARG', `must be a number from 0 to 1, but is ${JSON.stringify(text)}`);
  return ratio;
}

function readStatsd(env: Environment): StatsdSettings | undefined {
  const host = env['STATSD_HOST'];
  if (!host) return undefined;
  return {
    host,
    port: readInteger(env, 'STATSD_PORT', 8125, 1, 65_535),
    prefix: readText(env, 'STATSD_PREFIX', 'streams.', /^[A-Za-z0-9_.-]{1,64}$/),
    tags: readTags(env['STATSD_TAGS'] ?? ''),
    intervalMs: readInteger(env, 'STATSD_INTERVAL_MS', 10_000, 100, 600_000),
  };
}

/** `name:value,name:value` */
function readTags(text: string): Readonly<Record<string, string>> {
  const tags = text
    .split(',')
    .filter((one) => one.trim() !== '')
    .map((one) => {
      const match = /^\s*([A-Za-z][\w.-]{0,63}):([\w./-]{1,128})\s*$/.exec(one);
      if (match === null) throw invalidSetting('STATSD_TAGS', `must be name:value,name:value, but has ${JSON.stringify(one)}`);
      return [match[1] as string, match[2] as string] as const;
    });
  return Object.fromEntries(tags);
}
