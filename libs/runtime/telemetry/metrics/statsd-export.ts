import { StatsD } from 'hot-shots';
import type { Logger } from '../../logging.ts';
import { pause } from '../../pause.ts';
import type { StatsdSettings } from '../telemetry.config.ts';
import type { Meter, Sample } from './meter.ts';

/** Bytes of one datagram: fits an Ethernet frame whatever is put around it. */
const datagramBytesMax = 1400;

interface Before {
  readonly value: number;
  readonly sum: number;
}

/**
 * Sends the metrics to a StatsD server by UDP, every so often: gauges as they are, counters as what was added, and
 * histograms as what was added to their count (`<name>.count`) and the mean of what was observed since (a timer, ms, where
 * the metric is in seconds). Labels become tags in the form that DogStatsD, Telegraf and the Prometheus exporter read.
 */
export class StatsdExport {
  readonly #settings: StatsdSettings;
  readonly #meter: Meter;
  readonly #client: StatsD;
  readonly #stop = new AbortController();
  readonly #before = new Map<string, Before>();
  #running: Promise<void> = Promise.resolve();

  constructor(settings: StatsdSettings, app: string, meter: Meter, logger: Logger) {
    this.#settings = settings;
    this.#meter = meter;
    this.#client = new StatsD({
      ...{ host: settings.host, port: settings.port, prefix: settings.prefix, globalTags: { app, ...settings.tags } },
      ...{ maxBufferSize: datagramBytesMax, bufferFlushInterval: 100, cacheDns: true, includeDataDogTags: false, includeDatadogTelemetry: false },
      // A server that is away loses its own metrics and nothing else.
      errorHandler: (err: Error) => logger.debug({ err }, 'statsd does not take the metrics'),
    });
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Sends what there is a last time. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.send();
    await new Promise<void>((resolve) => this.#client.close(() => resolve()));
  }

  async #run(): Promise<void> {
    for (;;) {
      await pause(this.#settings.intervalMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      await this.send();
    }
  }

  async send(): Promise<void> {
    for (const sample of await this.#meter.samples()) this.#sendOne(sample);
  }

  #sendOne(sample: Sample): void {
    const { kind, labels, value } = sample;
    // The prefix says whose they are.
    const name = sample.name.replace(/^streams_/, '');
    if (!Number.isFinite(value)) return;
    if (kind === 'gauge') {
      this.#client.gauge(name, value, labels);
      return;
    }
    const { count, sum } = this.#added(sample);
    if (count <= 0) return;
    this.#client.increment(kind === 'counter' ? name : `${name}.count`, count, labels);
    if (kind === 'histogram') this.#client.timing(name, (sum / count) * (name.endsWith('_seconds') ? 1000 : 1), labels);
  }

  #added({ name, labels, value, sum = 0 }: Sample): { count: number; sum: number } {
    const key = `${name}${JSON.stringify(labels)}`;
    const before = this.#before.get(key) ?? { value: 0, sum: 0 };
    this.#before.set(key, { value, sum });
    return { count: value - before.value, sum: sum - before.sum };
  }
}
