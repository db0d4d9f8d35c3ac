/** What edges answered, as the API adds it up. */
export interface TrafficFigures {
  readonly requests: number;
  readonly bytes: number | null;
  readonly hitRatio: number | null;
  readonly byteHitRatio: number | null;
  readonly statuses: Readonly<Record<string, number>>;
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number } | null;
}

export interface Traffic {
  readonly from: string;
  readonly until: string;
  readonly stepSeconds: number;
  readonly totals: TrafficFigures;
  readonly groups: ReadonlyArray<{ readonly group: string; readonly name: string; readonly figures: TrafficFigures }>;
  readonly points: ReadonlyArray<{ readonly at: string; readonly group: string | null; readonly figures: TrafficFigures }>;
  readonly isPartial: boolean;
}

export interface PopularObjects {
  readonly items: ReadonlyArray<{ readonly zoneName: string; readonly host: string; readonly path: string; readonly requests: number; readonly bytes: number }>;
}

/** Times that can be looked at, up to now. */
export const spans = [
  { name: '1 h', ms: 3_600_000 },
  { name: '6 h', ms: 6 * 3_600_000 },
  { name: '24 h', ms: 24 * 3_600_000 },
  { name: '7 d', ms: 7 * 86_400_000 },
] as const;

/** A line of a chart: one value for each step of the time, null where there is none to tell. */
export interface Line {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

/** The beginnings of all steps, ms since the Unix epoch. */
export function stepsOf({ from, stepSeconds, until }: Traffic): readonly number[] {
  const step = stepSeconds * 1000;
  const first = Math.floor(Date.parse(from) / step) * step;
  const count = Math.max(1, Math.ceil((Date.parse(until) - first) / step));
  return Array.from({ length: count }, (_none, at) => first + at * step);
}

/** One line of everything, or of one group. @param none what a step without a request is */
export function lineOf(
  traffic: Traffic,
  name: string,
  of: (figures: TrafficFigures, seconds: number) => number | null,
  { group, none = 0 }: { readonly group?: string; readonly none?: number | null } = {},
): Line {
  const byTime = new Map(traffic.points.filter((point) => group === undefined || point.group === group).map((point) => [Date.parse(point.at), point.figures]));
  const untilMs = Date.parse(traffic.until);
  const values = stepsOf(traffic).map((at) => {
    const figures = byTime.get(at);
    // The last step is not over yet: its rate is that of the time that has passed.
    const seconds = Math.max(1, Math.min(traffic.stepSeconds, (untilMs - at) / 1000));
    return figures === undefined ? none : of(figures, seconds);
  });
  return { name, values };
}

const tenths = [1, 2, 2.5, 5, 10];

/** The end of an axis that holds all values: a round number. */
export function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return (tenths.find((tenth) => tenth * power >= value) ?? 10) * power;
}

/** A number for a person: `12`, `3.4 k`, `1.2 M`. */
export function shortNumber(value: number): string {
  for (const [unit, letter] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']] as const) if (value >= unit) return `${(value / unit).toFixed(value < 10 * unit ? 1 : 0)} ${letter}`; // prettier-ignore
  return value < 10 && !Number.isInteger(value) ? value.toFixed(value < 1 ? 2 : 1) : String(Math.round(value));
}
