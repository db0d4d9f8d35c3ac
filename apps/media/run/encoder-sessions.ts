import type { EncoderKind, VideoCodec, VideoRendition } from '#core/ffmpeg-plan';
import type { Clock } from '#ports';
import type { Millis } from '#kernel';

/** A kind of encoder that works on this machine. */
export interface WorkingEncoder {
  readonly kind: Exclude<EncoderKind, 'software'>;
  /** What it encodes here. */
  readonly codecs: readonly VideoCodec[];
  /** Pictures that it encodes at once. */
  readonly sessionsMax: number;
}

/** Who encodes the rungs of one run. */
export interface EncoderShare {
  /** By the rung's name; a rung that is not here is encoded in software. */
  readonly encoders: Readonly<Record<string, EncoderKind>>;
  /** The run is over: what it held is free again. */
  release(): void;
  /** These rungs' encoder would not open: there are fewer sessions than we thought. Releases the share. */
  refused(rungs: readonly string[]): void;
}

/** How long a kind is asked for no more than it had when it refused one, ms: somebody else may hold the rest. */
const refusalMs = 600_000;

interface Budget extends WorkingEncoder {
  inUse: number;
  /** Learnt from a refusal. */
  limit: number;
  limitUntil: Millis;
}

/**
 * Shares the machine's hardware encoders out to rungs. What there is goes to a stream's largest rungs, the rest of them is
 * encoded in software; a session that cannot be had takes its rung there, and nothing else of the stream.
 */
export class EncoderSessions {
  readonly #budgets: readonly Budget[];
  readonly #clock: Pick<Clock, 'now'>;

  /** @param working best first */
  constructor(working: readonly WorkingEncoder[], clock: Pick<Clock, 'now'>) {
    this.#budgets = working.map((one) => ({ ...one, inUse: 0, limit: one.sessionsMax, limitUntil: 0 }));
    this.#clock = clock;
  }

  /** Sessions in use of each kind. */
  get inUse(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#budgets.map(({ kind, inUse }) => [kind, inUse]));
  }

  /** @param rungs largest first */
  share(rungs: ReadonlyArray<Pick<VideoRendition, 'name' | 'codec'>>): EncoderShare {
    const held = new Map<string, Budget>();
    for (const { name, codec } of rungs) {
      const budget = this.#budgets.find((one) => one.codecs.includes(codec) && one.inUse < this.#limitOf(one));
      if (budget === undefined) continue;
      budget.inUse += 1;
      held.set(name, budget);
    }
    const encoders = Object.fromEntries([...held].map(([rung, { kind }]) => [rung, kind]));
    const release = (): void => {
      for (const budget of held.values()) budget.inUse -= 1;
      held.clear();
    };
    const refused = (names: readonly string[]): void => {
      const budgets = names.flatMap((name) => held.get(name) ?? []);
      for (const budget of budgets) this.#learn(budget, budgets.filter((one) => one === budget).length);
      release();
    };
    return { encoders, release, refused };
  }

  #limitOf({ sessionsMax, limit, limitUntil }: Budget): number {
    return this.#clock.now() < limitUntil ? limit : sessionsMax;
  }

  #learn(budget: Budget, refusedSessions: number): void {
    budget.limit = Math.max(0, budget.inUse - refusedSessions);
    budget.limitUntil = this.#clock.now() + refusalMs;
  }
}
