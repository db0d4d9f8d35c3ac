import { collectDefaultMetrics, Counter as PromCounter, Gauge as PromGauge, Histogram as PromHistogram, Registry } from 'prom-client';
import type { Logger } from '../../logging.ts';
import { withTimeout } from '../../pause.ts';
import { Meter, nothing, type Counter, type Gauge, type Histogram, type Labels, type MetricSpec, type Sample } from './meter.ts';

/** Series of one metric at most. A label that takes more values than that is a mistake, which must not cost the memory. */
export const seriesMax = 1000;
const collectTimeoutMs = 3000;

/** Replaces labels by `other` when a metric has as many series as it may. */
class SeriesLimit<Label extends string> {
  readonly #known = new Set<string>();
  readonly #other: Labels<Label>;

  constructor(labels: readonly Label[]) {
    this.#other = Object.fromEntries(labels.map((one) => [one, 'other'])) as Labels<Label>;
  }

  within(labels: Labels<Label>): Labels<Label> {
    let key = '';
    for (const name in labels) key += `${labels[name]}\0`;
    if (this.#known.has(key)) return labels;
    if (this.#known.size >= seriesMax) return this.#other;
    this.#known.add(key);
    return labels;
  }
}

/** Metrics by prom-client, in a registry of their own. */
export class PromMeter extends Meter {
  override readonly on = true;
  readonly #registry = new Registry();
  readonly #logger: Logger;
  readonly #app: string | undefined;
  readonly #collectors = new Map<string, () => void | Promise<void>>();
  readonly #instruments = new Map<string, unknown>();
  #collecting: Promise<void> | undefined;

  /** With an app, only its metrics are shown: others are parts that it has and does not use. */
  constructor(logger: Logger, app?: string) {
    super();
    this.#app = app;
    this.#logger = logger;
    collectDefaultMetrics({ register: this.#registry });
  }

  override has({ apps }: MetricSpec): boolean {
    return this.#app === undefined || apps.includes(this.#app);
  }

  override counter<Label extends string>(spec: MetricSpec<Label>): Counter<Label> {
    return this.#once(spec, () => {
      const counter = new PromCounter({ ...optionsOf(spec), registers: [this.#registry] });
      const limit = new SeriesLimit(spec.labels);
      const reached = new Map<string, number>();
      if (spec.labels.length === 0) counter.inc(0);
      return {
        add: (value, labels) => counter.inc(limit.within(labels), value),
        reach: (total, labels) => {
          const key = Object.values(labels).join('\0');
          const before = reached.get(key) ?? 0;
          reached.set(key, Math.max(before, total));
          counter.inc(limit.within(labels), Math.max(0, total - before));
        },
      };
    });
  }

  override gauge<Label extends string>(spec: MetricSpec<Label>): Gauge<Label> {
    return this.#once(spec, () => {
      const gauge = new PromGauge({ ...optionsOf(spec), registers: [this.#registry] });
      const limit = new SeriesLimit(spec.labels);
      return { set: (value, labels) => gauge.set(limit.within(labels), value), clear: () => gauge.reset() };
    });
  }

  override histogram<Label extends string>(spec: MetricSpec<Label>): Histogram<Label> {
    return this.#once(spec, () => {
      const histogram = new PromHistogram({ ...optionsOf(spec), buckets: [...(spec.buckets ?? [])], registers: [this.#registry] });
      const limit = new SeriesLimit(spec.labels);
      return { observe: (value, labels) => histogram.observe(limit.within(labels), value) };
    });
  }

  override onCollect(name: string, collect: () => void | Promise<void>): void {
    this.#collectors.set(name, collect);
  }

  override async exposition(): Promise<string> {
    await this.#collect();
    return this.#registry.metrics();
  }

  override async samples(): Promise<readonly Sample[]> {
    await this.#collect();
    const samples: Sample[] = [];
    for (const metric of await this.#registry.getMetricsAsJSON()) {
      const { name, type, values } = metric as unknown as PromMetric;
      if (type === 'counter' || type === 'gauge') for (const { labels, value } of values) samples.push({ name, kind: type, labels, value });
      else if (type === 'histogram') samples.push(...histogramSamples(name, values));
    }
    return samples;
  }

  #once<T>(spec: MetricSpec, make: () => T): T | typeof nothing {
    if (!this.has(spec)) return nothing;
    const known = this.#instruments.get(spec.name);
    if (known !== undefined) return known as T;
    const made = make();
    this.#instruments.set(spec.name, made);
    return made;
  }

  /** Once at a time: two scrapes share one look. An engine that does not answer costs its metrics, not the answer. */
  #collect(): Promise<void> {
    this.#collecting ??= Promise.all([...this.#collectors].map(([name, collect]) => this.#ask(name, collect)))
      .then(() => undefined)
      .finally(() => (this.#collecting = undefined));
    return this.#collecting;
  }

  async #ask(name: string, collect: () => void | Promise<void>): Promise<void> {
    try {
      await withTimeout(Promise.resolve(collect()), collectTimeoutMs, 'METRICS_TIMEOUT');
    } catch (err) {
      this.#logger.debug({ err, metrics: name }, `no metrics of ${name}`);
    }
  }
}

interface PromMetric {
  readonly name: string;
  readonly type: string;
  readonly values: ReadonlyArray<{ readonly value: number; readonly labels: Record<string, string>; readonly metricName?: string }>;
}

function histogramSamples(name: string, values: PromMetric['values']): readonly Sample[] {
  const sums = new Map(values.filter(({ metricName }) => metricName === `${name}_sum`).map(({ labels, value }) => [JSON.stringify(labels), value]));
  return values
    .filter(({ metricName }) => metricName === `${name}_count`)
    .map(({ labels, value }) => ({ name, kind: 'histogram', labels, value, sum: sums.get(JSON.stringify(labels)) ?? 0 }));
}

function optionsOf<Label extends string>({ name, help, labels }: MetricSpec<Label>) {
  return { name, help, labelNames: [...labels] };
}
