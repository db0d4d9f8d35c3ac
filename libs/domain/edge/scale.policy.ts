/** How an advice is found. Durations in ms. */
export interface ScaleRules {
  /** The load that edges should have. */
  readonly target: number;
  /** Within this share of the target nothing is advised. */
  readonly tolerance: number;
  /** More are advised when that many were wanted for so long, and fewer when no more were. */
  readonly upAfterMs: number;
  readonly downAfterMs: number;
  /** Between one advice and the next that goes up, or down. */
  readonly upEveryMs: number;
  readonly downEveryMs: number;
  readonly min: number;
  readonly max: number;
}

export const scaleRules: ScaleRules = {
  target: 0.6,
  tolerance: 0.1,
  upAfterMs: 30_000,
  downAfterMs: 300_000,
  upEveryMs: 60_000,
  downEveryMs: 300_000,
  min: 1,
  max: 100,
};

/** What a region has at a moment. */
export interface ScaleSample {
  readonly nowMs: number;
  /** Edges that take clients. */
  readonly current: number;
  /** Of what they can, on average; null where nobody knows. */
  readonly load: number | null;
}

export interface ScaleState {
  /** Null before the first look. */
  readonly desired: number | null;
  readonly advisedAtMs: number;
  /** How many were wanted when, for as long as that matters. */
  readonly wanted: ReadonlyArray<{ readonly atMs: number; readonly edges: number }>;
}

export interface ScaleAdvice {
  readonly desired: number;
  readonly reason: string;
}

export const noAdvice: ScaleState = { desired: null, advisedAtMs: 0, wanted: [] };

function wantedOf({ current, load }: ScaleSample, { max, min, target, tolerance }: ScaleRules): number {
  const within = (edges: number): number => Math.min(max, Math.max(min, edges));
  if (load === null || current === 0 || Math.abs(load / target - 1) <= tolerance) return within(current);
  return within(Math.ceil((current * load) / target));
}

function reasonOf({ current, load }: ScaleSample, { target }: ScaleRules): string {
  if (load === null || current === 0) return current === 0 ? 'no edge takes clients' : `${current} edges, whose load nobody knows`;
  return `${current} edges have a load of ${load.toFixed(2)}, and should have ${target.toFixed(2)}`;
}

/**
 * How many edges a region should have. Going up, a peak that passes within `upAfterMs` is none; going down, the most that was
 * wanted within `downAfterMs` stays: load that swings around a bound moves nothing to and fro. Pure.
 */
export function adviseScale(
  before: ScaleState,
  sample: ScaleSample,
  rules: ScaleRules,
): { readonly state: ScaleState; readonly advice: ScaleAdvice | undefined } {
  const { nowMs } = sample;
  const keepMs = Math.max(rules.upAfterMs, rules.downAfterMs);
  const all = [...before.wanted, { atMs: nowMs, edges: wantedOf(sample, rules) }];
  // One that is as old as the window stays: it says that the window is covered.
  const first = all.findLastIndex(({ atMs }) => nowMs - atMs >= keepMs);
  const wanted = first <= 0 ? all : all.slice(first);
  const within = (ms: number): readonly number[] => wanted.filter(({ atMs }) => nowMs - atMs <= ms).map(({ edges }) => edges);
  const covers = (ms: number): boolean => nowMs - (wanted[0]?.atMs ?? nowMs) >= ms;
  const desired = before.desired ?? sample.current;
  const sinceMs = nowMs - before.advisedAtMs;
  const [up, down] = [Math.min(...within(rules.upAfterMs)), Math.max(...within(rules.downAfterMs))];
  const next =
    up > desired && covers(rules.upAfterMs) && sinceMs >= rules.upEveryMs
      ? up
      : down < desired && covers(rules.downAfterMs) && sinceMs >= rules.downEveryMs
        ? down
        : undefined;
  // As many as there are is no advice: it is where the first begins.
  if (next === undefined) return { state: { ...before, desired, wanted }, advice: undefined };
  return { state: { desired: next, advisedAtMs: nowMs, wanted }, advice: { desired: next, reason: reasonOf(sample, rules) } };
}
