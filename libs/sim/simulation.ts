import { Prng, type Millis } from '#kernel';
import { Clock } from '#ports';

interface Step {
  readonly at: Millis;
  /** Steps of one moment run in the order in which they were asked for. */
  readonly order: number;
  run: (() => void) | undefined;
}

const startMs = 1_790_000_000_000;

/**
 * A world in which time passes only when nothing is left to do: one step runs, with everything that follows from it at
 * once, then the clock jumps to the next. Chance comes from one seed, so the seed is the whole story.
 */
export class Simulation {
  readonly dice: Prng;
  readonly clock: Clock;
  #now: Millis = startMs;
  #order = 0;
  #steps = 0;
  /** A binary heap, the next step on top. */
  readonly #heap: Step[] = [];

  constructor(readonly seed: number) {
    this.dice = new Prng(seed);
    const now = (): Millis => this.#now;
    this.clock = new (class extends Clock {
      override now = now;
    })();
  }

  get now(): Millis {
    return this.#now;
  }

  /** Steps run so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Runs `run` in `ms`; the answer calls it off. */
  after(ms: number, run: () => void): () => void {
    const step: Step = { at: this.#now + Math.max(0, ms), order: this.#order++, run };
    this.#push(step);
    return () => (step.run = undefined);
  }

  /** Runs steps until the condition holds, asked before each; answers false when `stepsMax` came first, or nothing is left to happen. */
  async runUntil(isDone: () => boolean, stepsMax: number): Promise<boolean> {
    for (const end = this.#steps + stepsMax; this.#steps < end;) {
      if (isDone()) return true;
      const step = this.#pop();
      if (step === undefined) return false;
      if (step.run === undefined) continue;
      this.#now = step.at;
      this.#steps++;
      step.run();
      await settled();
    }
    return isDone();
  }

  #push(step: Step): void {
    const heap = this.#heap;
    let at = heap.push(step) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(step, heap[above] as Step)) break;
      heap[at] = heap[above] as Step;
      at = above;
    }
    heap[at] = step;
  }

  #pop(): Step | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Step, heap[below] as Step)) below++;
      if (!isBefore(heap[below] as Step, last)) break;
      heap[at] = heap[below] as Step;
      at = below;
    }
    heap[at] = last;
    return top;
  }
}

function isBefore(a: Step, b: Step): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Resolves when all promises that could go on have gone on: Node empties its queue of them before it comes to this. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
