import { Timers } from '#ports';
import type { FaultPlan } from './fault-plan.ts';
import type { Simulation } from './simulation.ts';

export interface SimProcessInit {
  readonly simulation: Simulation;
  /** Asked each time: faults can be switched off. */
  readonly faults: () => FaultPlan;
  /** Told where it crashed: the name of the continuation that never ran. */
  readonly onCrash: (point: string) => void;
}

/**
 * A process as its world sees it: everything that it ever does is the continuation of a timer or a reply, so a crash before
 * any of them, and a pause in front of it, are the crashes and pauses at every `await` of its code.
 */
export class SimProcess extends Timers {
  readonly #init: SimProcessInit;
  #alive = true;
  #pausedUntil = 0;

  constructor(init: SimProcessInit) {
    super();
    this.#init = init;
  }

  get alive(): boolean {
    return this.#alive;
  }

  override after(ms: number, wake: () => void): () => void {
    let isOff = false;
    const callOff = this.#init.simulation.after(ms, () => this.goOn('timer', () => isOff || wake()));
    return () => {
      isOff = true;
      callOff();
    };
  }

  override chance(): number {
    return this.#init.simulation.dice.next();
  }

  /** Nothing of it ever runs again. What it has sent is under way. */
  crash(point: string): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#init.onCrash(point);
  }

  /** Runs a continuation, unless the process is gone, or ends or pauses right here. */
  goOn(point: string, run: () => void): void {
    if (!this.#alive) return;
    const { simulation, faults } = this.#init;
    const { crash, pause, pauseMsMax } = faults();
    const { dice } = simulation;
    if (simulation.now >= this.#pausedUntil) {
      if (dice.next() < crash) return this.crash(point);
      if (dice.next() < pause) this.#pausedUntil = simulation.now + dice.nextInteger(1, pauseMsMax);
    }
    this.#whenAwake(run);
  }

  #whenAwake(run: () => void): void {
    const { simulation } = this.#init;
    if (!this.#alive) return;
    if (simulation.now < this.#pausedUntil) simulation.after(this.#pausedUntil - simulation.now, () => this.#whenAwake(run));
    else run();
  }
}
