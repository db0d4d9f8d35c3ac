import { audienceOf, likelyAfter, PrecisionMeter, type Likely, type TransitionModel } from '#core/prefetch';
import type { AgentClass } from '#events';
import { agentClassOf } from '../traffic/agent-class.core.ts';

/** What is asked for by no browser is asked for in an order of its own. */
const strangers: ReadonlySet<AgentClass> = new Set<AgentClass>(['bot', 'tool']);
/** Spellings of programs that are remembered. */
const agentsMax = 2000;

export interface ForesightState {
  /** Models in use. */
  readonly models: number;
  /** Of them, those that foresee badly here, and are heard one time in ten until they do better. */
  readonly heldBack: number;
}

interface Used {
  readonly model: TransitionModel;
  readonly meter: PrecisionMeter;
}

/** What learned models say of the zones that are served here. Each is measured by itself: what is wrong of one site says nothing of another. */
export class Foresight {
  readonly #region: string;
  readonly #zones = new Map<string, Used>();
  readonly #classes = new Map<string, AgentClass>();

  constructor(region: string) {
    this.#region = region;
  }

  get state(): ForesightState {
    const all = [...this.#zones.values()];
    return { models: all.length, heldBack: all.filter(({ meter }) => meter.isHeldBack('model')).length };
  }

  /** From the next request on; undefined for a zone of which nothing is foreseen any more. */
  use(zoneId: string, model: TransitionModel | undefined): void {
    if (model === undefined) this.#zones.delete(zoneId);
    // A new model starts with a clean record: it was better than the one before.
    else this.#zones.set(zoneId, { model, meter: new PrecisionMeter() });
  }

  /** Whether anything follows a target; asked by every request. */
  knows(zoneId: string, target: string): boolean {
    if (this.#zones.size === 0) return false;
    const rows = this.#zones.get(zoneId)?.model.rows;
    if (rows === undefined) return false;
    for (const row of rows.values()) if (row.has(target)) return true;
    return false;
  }

  /** What will probably be asked for after a target by who asks with this program. */
  after(zoneId: string, target: string, userAgent: string | undefined): readonly Likely[] {
    const used = this.#zones.get(zoneId);
    const agent = this.#classOf(userAgent ?? '');
    if (used === undefined || strangers.has(agent)) return [];
    return likelyAfter(used.model, audienceOf(this.#region, agent), target).filter(() => used.meter.admits('model'));
  }

  note(zoneId: string, outcome: 'used' | 'wasted'): void {
    this.#zones.get(zoneId)?.meter.note('model', outcome);
  }

  precision(zoneId: string): number | undefined {
    return this.#zones.get(zoneId)?.meter.precision('model');
  }

  #classOf(userAgent: string): AgentClass {
    const known = this.#classes.get(userAgent);
    if (known !== undefined) return known;
    if (this.#classes.size >= agentsMax) this.#classes.clear();
    const agent = agentClassOf(userAgent === '' ? undefined : userAgent);
    this.#classes.set(userAgent, agent);
    return agent;
  }
}
