import type { Millis } from '#kernel';
import type { Access } from './transition-learner.core.ts';
import { audienceOf, likelyAfter, type TransitionModel } from './transition-model.ts';

export interface TrialOutcome {
  /** Objects that would have been fetched, each once for a client and a while. */
  readonly foreseen: number;
  /** Share of them that the client asked for; undefined where nothing was foreseen. */
  readonly precision: number | undefined;
  /** Share of what could be cached that was foreseen; undefined where nothing was asked for. */
  readonly coverage: number | undefined;
}

/** What was foreseen and not asked for by then was foreseen wrongly. */
const waitMs: Millis = 30_000;

/**
 * How well a model would have done for requests that it was not made of, in their order. Where requests are told by a sample
 * each that was foreseen counts for those that nobody told of.
 */
export function tryModel(model: TransitionModel, accesses: readonly Access[]): TrialOutcome {
  const clients = new Map<string, Map<string, Millis>>();
  let [foreseen, used, asked] = [0, 0, 0];
  for (const { agent, atMs, cached, client, path, rate, region } of accesses) {
    const open = clients.get(client) ?? new Map<string, Millis>();
    clients.set(client, open);
    const untilMs = open.get(path);
    if (cached) asked += 1 / rate;
    if (untilMs !== undefined && atMs <= untilMs) used += 1 / rate;
    open.delete(path);
    for (const next of likelyAfter(model, audienceOf(region, agent), path)) {
      const before = open.get(next.path);
      if (before === undefined || before < atMs) foreseen++;
      open.set(next.path, before !== undefined && before >= atMs ? before : atMs + waitMs);
    }
  }
  return {
    foreseen,
    precision: foreseen === 0 ? undefined : Math.min(1, used / foreseen),
    coverage: asked === 0 ? undefined : Math.min(1, used / asked),
  };
}

export interface PublishRules {
  /** Below this a model does more harm than good. */
  readonly precisionMin: number;
  /** Fewer outcomes prove nothing. */
  readonly foreseenMin: number;
  /** Foreseen rightly, of what is asked for, so much more than by the one before. */
  readonly gainMin: number;
  /** One that is so old gives way to one that is no worse. */
  readonly ageMaxMs: Millis;
}

export const publishRules: PublishRules = { precisionMin: 0.4, foreseenMin: 50, gainMin: 0.02, ageMaxMs: 21_600_000 };

export type Verdict = 'publish' | 'keep' | 'withdraw';

/** What is foreseen rightly, less what is foreseen wrongly at the price of a fetch: a model is worth having above nothing. */
function worthOf({ coverage, precision }: TrialOutcome): number {
  if (precision === undefined || coverage === undefined || precision === 0) return 0;
  return coverage - 0.25 * coverage * (1 / precision - 1);
}

/** Whether a new model takes the place of the one that edges have, by how both do on what neither was made of. */
export function judgeModel(
  fresh: TrialOutcome,
  current: { readonly outcome: TrialOutcome; readonly ageMs: Millis; readonly isEmpty: boolean } | undefined,
  rules: PublishRules,
): Verdict {
  const isGood = fresh.foreseen >= rules.foreseenMin && (fresh.precision ?? 0) >= rules.precisionMin;
  if (current === undefined || current.isEmpty) return isGood ? 'publish' : 'keep';
  const { ageMs, outcome } = current;
  const isBad = outcome.foreseen >= rules.foreseenMin && (outcome.precision ?? 0) < rules.precisionMin;
  if (!isGood) return isBad ? 'withdraw' : 'keep';
  if (isBad || worthOf(fresh) >= worthOf(outcome) + rules.gainMin) return 'publish';
  return ageMs >= rules.ageMaxMs && worthOf(fresh) >= worthOf(outcome) ? 'publish' : 'keep';
}
