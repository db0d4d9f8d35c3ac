import {
  judgeModel,
  modelRules,
  publishRules,
  TransitionLearner,
  transitionsIn,
  tryModel,
  type Access,
  type TransitionModel,
  type TrialOutcome,
} from '#core/prefetch';
import { readBrowse } from '#domain/edge';
import { partitionOf } from '#kernel';
import type { ReadRow } from '#ports';

/** One visitor of so many is not learned from: on those models are tried. */
const heldOutOf = 5;
const triedMax = 20_000;
const zonesMax = 500;
/** A line that stands for more than so many others tells nothing of what follows what. */
const rateMin = 1 / 64;
const learner = { halfLifeMs: 6 * 3_600_000, pairsMax: 60_000, clientsMax: 20_000 };

export interface Candidate {
  readonly model: TransitionModel;
  readonly outcome: TrialOutcome;
  readonly verdict: 'publish' | 'keep' | 'withdraw';
}

/** What is learned of one zone. */
export class ZoneLessons {
  readonly zone: string | null;
  readonly tenant: string;
  readonly #learner = new TransitionLearner(learner);
  #tried: Access[] = [];
  /** Since this began. */
  learnedFrom = 0;
  /** Since the last candidate. */
  fresh = 0;

  constructor(zone: string | null, tenant: string) {
    this.zone = zone;
    this.tenant = tenant;
  }

  get triedOn(): number {
    return this.#tried.length;
  }

  take(access: Access): void {
    this.fresh++;
    if (partitionOf(access.client, heldOutOf) !== 0) {
      this.learnedFrom++;
      this.#learner.learn(access);
      return;
    }
    this.#tried.push(access);
    if (this.#tried.length > triedMax) this.#tried = this.#tried.slice(triedMax / 4);
  }

  /** The model as it would be now, and whether it should take the place of another. */
  candidate(bytesMax: number, current: { readonly model: TransitionModel; readonly publishedAtMs: number } | undefined, nowMs: number): Candidate {
    this.fresh = 0;
    const model = this.#learner.model({ ...modelRules, bytesMax });
    const tried = this.#tried.toSorted((a, b) => a.atMs - b.atMs);
    const outcome = tryModel(model, tried);
    const before =
      current === undefined
        ? undefined
        : { outcome: tryModel(current.model, tried), ageMs: nowMs - current.publishedAtMs, isEmpty: transitionsIn(current.model) === 0 };
    return { model, outcome, verdict: judgeModel(outcome, before, publishRules) };
  }
}

/** What is learned of each zone; of too many the one that nobody asked of the longest is forgotten. */
export class Lessons {
  readonly #zones = new Map<string, ZoneLessons>();

  get zones(): readonly ZoneLessons[] {
    return [...this.#zones.values()];
  }

  take(row: ReadRow): void {
    const rate = Number(row['sample_rate']);
    if (!(rate >= rateMin)) return;
    const region = String(row['region']);
    const edge = `${row['edge_id']}/${row['incarnation']} `;
    for (const { agent, client, steps, zone } of readBrowse(String(row['visits']), Number(row['from_ms']))) {
      const lessons = this.#of(zone, String(row['tenant']));
      for (const step of steps) lessons.take({ ...step, agent, client: edge + client, region, rate });
    }
  }

  #of(zone: string | null, tenant: string): ZoneLessons {
    const name = zone ?? '';
    const lessons = this.#zones.get(name) ?? new ZoneLessons(zone, tenant);
    this.#zones.delete(name);
    this.#zones.set(name, lessons);
    if (this.#zones.size > zonesMax) this.#zones.delete(this.#zones.keys().next().value as string);
    return lessons;
  }
}
