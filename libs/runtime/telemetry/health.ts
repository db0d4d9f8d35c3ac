import { withTimeout } from '../pause.ts';

/** A loop of the process says that it went round. */
export interface Heartbeat {
  beat(): void;
  /** What it does was refused in a way that trying again does not mend, and why; once more changes nothing but the reason. */
  refused(reason: string): void;
  /** Not, or no longer, refused like that. */
  accepted(): void;
  /** The loop has ended as it should. */
  end(): void;
}

export interface HealthReport {
  readonly ok: boolean;
  /** What stands still, or is not there; each in a few words. */
  readonly problems: readonly string[];
  /** What somebody should see to, although everything moves. */
  readonly remarks: readonly string[];
}

interface Loop {
  beatAt: number;
  /** Since when, by the clock of the health, and why it gets nowhere. */
  refused: { readonly at: number; readonly reason: string } | undefined;
  readonly quietMsMax: number;
}

export type Check = () => Promise<unknown>;

const checkTimeoutMs = 2000;
/** Probes of several watchers share one look. */
const checkedForMs = 500;

/**
 * Two questions with two answers. Moving: do the loops of this process go round? A rebuild that lags for an hour moves,
 * and so does a loop that keeps trying an engine that is away; one that waits for an answer that never comes does not, nor
 * does one that goes round for as long with nothing but refusals that no retry can mend.
 * Ready: is everything there that the work needs? Only the first is worth ending the process for.
 */
export class Health {
  readonly #stallMs: number;
  readonly #now: () => number;
  readonly #loops = new Map<string, Loop>();
  readonly #movements = new Map<string, () => string | undefined>();
  readonly #checks = new Map<string, Check>();
  readonly #remarks = new Map<string, () => readonly string[]>();
  #state: 'starting' | 'serving' | 'stopping' = 'starting';
  #checked: { readonly at: number; readonly problems: Promise<readonly string[]> } | undefined;

  constructor(stallMs = 30_000, now: () => number = () => performance.now()) {
    this.#stallMs = stallMs;
    this.#now = now;
  }

  /** A loop that says when it goes round. It counts from now on; `roundMs` is how long a round takes when nothing happens. */
  loop(name: string, roundMs = 0): Heartbeat {
    const loop: Loop = { beatAt: this.#now(), refused: undefined, quietMsMax: this.#stallMs + roundMs };
    this.#loops.set(name, loop);
    return {
      beat: () => (loop.beatAt = this.#now()),
      refused: (reason) => (loop.refused = { at: loop.refused?.at ?? this.#now(), reason }),
      accepted: () => (loop.refused = undefined),
      end: () => {
        if (this.#loops.get(name) === loop) this.#loops.delete(name);
      },
    };
  }

  /** Movement that is judged by looking: undefined, or what stands still. */
  movement(name: string, look: () => string | undefined): void {
    this.#movements.set(name, look);
  }

  /** Something that has to be there. It fails by throwing, or by not answering for two seconds. */
  needs(name: string, check: Check): void {
    this.#checks.set(name, check);
  }

  /** Something that somebody should see to, and that does not make the process unhealthy: nothing, or each in a few words. */
  remark(name: string, look: () => readonly string[]): void {
    this.#remarks.set(name, look);
  }

  serving(): void {
    if (this.#state === 'starting') this.#state = 'serving';
  }

  stopping(): void {
    this.#state = 'stopping';
  }

  /** How long each loop has been quiet, ms. */
  quiet(): ReadonlyMap<string, number> {
    return new Map([...this.#loops].map(([name, { beatAt }]) => [name, this.#now() - beatAt]));
  }

  /** How long each loop has been refused for good, ms; 0 where it is not. */
  refused(): ReadonlyMap<string, number> {
    return new Map([...this.#loops].map(([name, { refused }]) => [name, refused === undefined ? 0 : this.#now() - refused.at]));
  }

  moving(): HealthReport {
    const problems: string[] = [];
    // At its end a process is not to be ended again for standing still.
    if (this.#state !== 'stopping') {
      for (const [name, loop] of this.#loops) problems.push(...[this.#troubleOf(name, loop) ?? []].flat());
      for (const look of this.#movements.values()) problems.push(...[look() ?? []].flat());
    }
    return this.#report(problems);
  }

  #report(problems: readonly string[]): HealthReport {
    return { ok: problems.length === 0, problems, remarks: [...this.#remarks.values()].flatMap((look) => look()) };
  }

  #troubleOf(name: string, { beatAt, quietMsMax, refused }: Loop): string | undefined {
    const quietMs = this.#now() - beatAt;
    if (quietMs > quietMsMax) return `${name} has stood still for ${Math.round(quietMs / 1000)} s`;
    const refusedMs = refused === undefined ? 0 : this.#now() - refused.at;
    return refusedMs > this.#stallMs ? `${name} has been refused for ${Math.round(refusedMs / 1000)} s: ${refused?.reason}` : undefined;
  }

  async ready(): Promise<HealthReport> {
    if (this.#state !== 'serving') return this.#report([`the process is ${this.#state}`]);
    const now = this.#now();
    if (this.#checked === undefined || now - this.#checked.at > checkedForMs) this.#checked = { at: now, problems: this.#runChecks() };
    return this.#report(await this.#checked.problems);
  }

  async #runChecks(): Promise<readonly string[]> {
    const found = await Promise.all(
      [...this.#checks].map(async ([name, check]) => {
        try {
          await withTimeout(Promise.resolve(check()), checkTimeoutMs, 'CHECK_TIMEOUT');
          return [];
        } catch (error) {
          return [`${name}: ${error instanceof Error ? error.message : String(error)}`];
        }
      }),
    );
    return found.flat();
  }
}
