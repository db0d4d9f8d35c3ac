/** What a metric is, once and for all: docs/METRICS.md is made from these. */
export interface MetricSpec<Label extends string = string> {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** By Prometheus' rules: base unit last, `_total` for counters. */
  readonly name: string;
  readonly help: string;
  /** Names of labels whose values are few and known: topics, routes, codes. Never the id of anything. */
  readonly labels: readonly Label[];
  /** Upper bounds, for histograms. */
  readonly buckets?: readonly number[];
  /** Apps that have it. */
  readonly apps: readonly string[];
}

export type Labels<Label extends string> = Readonly<Record<Label, string>>;

export interface Counter<Label extends string> {
  add(value: number, labels: Labels<Label>): void;
  /** For what is counted elsewhere: brings the counter to a total that never falls. */
  reach(total: number, labels: Labels<Label>): void;
}

export interface Gauge<Label extends string> {
  set(value: number, labels: Labels<Label>): void;
  /** Forgets all values: what is not set again is not shown. */
  clear(): void;
}

export interface Histogram<Label extends string> {
  observe(value: number, labels: Labels<Label>): void;
}

/** One value of one metric, as exporters take it. */
export interface Sample {
  readonly name: string;
  readonly kind: MetricSpec['kind'];
  readonly labels: Readonly<Record<string, string>>;
  /** Of a counter or gauge; for histograms how often was observed. */
  readonly value: number;
  /** Of a histogram. */
  readonly sum?: number;
}

/** Instruments of a process. A metric asked for twice is the same one. */
export abstract class Meter {
  /** False when nobody looks: what only serves a metric need not be found out. */
  abstract readonly on: boolean;
  /** Whether this process shows the metric; one that it does not show costs nothing. */
  abstract has(spec: MetricSpec): boolean;
  abstract counter<Label extends string>(spec: MetricSpec<Label>): Counter<Label>;
  abstract gauge<Label extends string>(spec: MetricSpec<Label>): Gauge<Label>;
  abstract histogram<Label extends string>(spec: MetricSpec<Label>): Histogram<Label>;
  /** Called before the metrics are shown, to set what is only known by asking. A failure is logged, and costs its metrics alone. */
  abstract onCollect(name: string, collect: () => void | Promise<void>): void;
  /** The text format of Prometheus, version 0.0.4. */
  abstract exposition(): Promise<string>;
  abstract samples(): Promise<readonly Sample[]>;
}

/** An instrument that nobody reads. */
export const nothing = { add: () => undefined, reach: () => undefined, set: () => undefined, clear: () => undefined, observe: () => undefined };

class NoMeter extends Meter {
  override readonly on = false;

  override has(): boolean {
    return false;
  }

  override counter(): typeof nothing {
    return nothing;
  }

  override gauge(): typeof nothing {
    return nothing;
  }

  override histogram(): typeof nothing {
    return nothing;
  }

  override onCollect(): void {
    // nobody will ask
  }

  override async exposition(): Promise<string> {
    return '';
  }

  override async samples(): Promise<readonly Sample[]> {
    return [];
  }
}

export const noMeter: Meter = new NoMeter();
