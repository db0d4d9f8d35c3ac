import { compareText, type Millis } from '#kernel';
import { Bursts } from './bursts.core.ts';
import { FadingCounts } from './fading-counts.core.ts';
import { encodeModel } from './transition-model.codec.ts';
import { audienceOf, everybody, modelLimits, type Likely, type TransitionModel } from './transition-model.ts';

/** One request of somebody who is told from others, and no more. */
export interface Access {
  readonly atMs: Millis;
  /** Tells one from another for as long as that is: a client at one host. */
  readonly client: string;
  readonly region: string;
  readonly agent: string;
  readonly path: string;
  /** The share of requests that were told at all, above 0 up to 1. */
  readonly rate: number;
  /** It was answered from what a cache may keep for everybody. */
  readonly cached: boolean;
}

export interface LearnerInit {
  readonly halfLifeMs: Millis;
  /** Pairs of a path and a follower, of all audiences. */
  readonly pairsMax: number;
  readonly clientsMax: number;
}

export interface ModelRules {
  /** Of all who asked for the one, so many asked for the other. */
  readonly shareMin: number;
  /** Seen so often, whatever it weighs. */
  readonly seenMin: number;
  /** A path must have been seen so often in an audience before what that does differently counts. */
  readonly audienceSeenMin: number;
  readonly followersMax: number;
  /** Of the model as it is sent. */
  readonly bytesMax: number;
}

export const modelRules: ModelRules = { shareMin: 0.35, seenMin: 4, audienceSeenMin: 40, followersMax: 24, bytesMax: 65_536 };

const separator = '\n';

interface Row {
  readonly audience: string;
  readonly path: string;
  readonly likely: readonly Likely[];
  /** Requests that it would foresee, as of now. */
  readonly worth: number;
}

/**
 * Learns what is asked for after what: a Markov chain of the first order over what begins a burst of requests (a page) and
 * what comes with it and after it. Of requests that are told by a sample each counts for as many as it stands for, and a pair
 * for the product, because both had to be picked; how often a pair was really seen is kept beside it.
 */
export class TransitionLearner {
  readonly #bursts: Bursts;
  readonly #visits: FadingCounts;
  readonly #pairs: FadingCounts;
  /** What a cache may keep: nothing else is worth fetching. */
  readonly #kept: FadingCounts;
  #newestMs: Millis = 0;

  constructor({ clientsMax, halfLifeMs, pairsMax }: LearnerInit) {
    this.#bursts = new Bursts(clientsMax);
    this.#visits = new FadingCounts({ halfLifeMs, keysMax: pairsMax });
    this.#pairs = new FadingCounts({ halfLifeMs, keysMax: pairsMax });
    this.#kept = new FadingCounts({ halfLifeMs, keysMax: pairsMax });
  }

  get pairs(): number {
    return this.#pairs.size;
  }

  learn({ agent, atMs, cached, client, path, rate, region }: Access): void {
    this.#newestMs = Math.max(this.#newestMs, atMs);
    const audiences = [everybody, audienceOf(region, agent)];
    const weight = 1 / rate;
    if (cached) this.#kept.add(path, weight, atMs);
    for (const audience of audiences) this.#visits.add(audience + separator + path, weight, atMs);
    for (const head of this.#bursts.next(client, path, atMs, weight))
      for (const audience of audiences) this.#pairs.add(audience + separator + head.path + separator + path, head.weight * weight, atMs);
  }

  /** What is known now, within the rules; of more than fits what foresees most. */
  model(rules: ModelRules): TransitionModel {
    const rows = this.#rows(rules).sort((a, b) => b.worth - a.worth || compareText(a.path, b.path) || compareText(a.audience, b.audience));
    // As many as fit: the size grows with each, so that the number is found by halving.
    let [fits, not] = [0, rows.length + 1];
    while (not - fits > 1) {
      const half = Math.floor((fits + not) / 2);
      if (isWithin(rows.slice(0, half), rules) && encodeModel(this.#modelOf(rows.slice(0, half))).length <= rules.bytesMax) fits = half;
      else not = half;
    }
    return this.#modelOf(rows.slice(0, fits));
  }

  #modelOf(rows: readonly Row[]): TransitionModel {
    const byAudience = new Map<string, Map<string, readonly Likely[]>>();
    for (const { audience, likely, path } of rows) {
      const own = byAudience.get(audience) ?? new Map<string, readonly Likely[]>();
      own.set(path, likely);
      byAudience.set(audience, own);
    }
    return { trainedAtMs: this.#newestMs, rows: byAudience };
  }

  #rows(rules: ModelRules): Row[] {
    const all = new Map<string, Likely[]>();
    const now = this.#newestMs;
    for (const [key, { seen, weight }] of this.#pairs.entries(now)) {
      const end = key.lastIndexOf(separator);
      const [from, path] = [key.slice(0, end), key.slice(end + 1)];
      const share = Math.min(1, weight / Math.max(this.#visits.get(from, now).weight, Number.MIN_VALUE));
      if (seen < rules.seenMin || share < rules.shareMin || this.#kept.get(path, now).seen === 0) continue;
      const likely = all.get(from) ?? [];
      likely.push({ path, share });
      all.set(from, likely);
    }
    for (const [from, likely] of all) all.set(from, likely.sort((a, b) => b.share - a.share || compareText(a.path, b.path)).slice(0, rules.followersMax));
    const rows: Row[] = [];
    for (const [from, { seen, weight }] of this.#visits.entries(now)) {
      const [audience, path] = from.split(separator) as [string, string];
      const likely = all.get(from) ?? [];
      const worth = weight * likely.reduce((sum, { share }) => sum + share, 0);
      if (audience === everybody) {
        if (likely.length > 0) rows.push({ audience, path, likely, worth });
      } else if (seen >= rules.audienceSeenMin) {
        const common = all.get(everybody + separator + path) ?? [];
        if (differs(likely, common)) rows.push({ audience, path, likely, worth: worth + weight * excessOf(likely, common) });
      }
    }
    return rows;
  }
}

/** Whether a model of these may be made at all. */
function isWithin(rows: readonly Row[], { followersMax }: ModelRules): boolean {
  const paths = new Set(rows.flatMap(({ likely, path }) => [path, ...likely.map((next) => next.path)]));
  const audiences = new Set(rows.map(({ audience }) => audience));
  const isSmall = rows.length * followersMax <= modelLimits.transitionsMax;
  return isSmall && paths.size <= modelLimits.pathsMax && audiences.size <= modelLimits.audiencesMax;
}

function differs(one: readonly Likely[], other: readonly Likely[]): boolean {
  return one.length !== other.length || one.some(({ path }) => !other.some((next) => next.path === path));
}

/** What would be fetched for nothing by the common row. */
function excessOf(own: readonly Likely[], common: readonly Likely[]): number {
  return common.reduce((sum, { path, share }) => (own.some((one) => one.path === path) ? sum : sum + share), 0);
}
