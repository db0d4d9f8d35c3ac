import { OperatingError } from '#kernel';
import type { FaultPlan } from './fault-plan.ts';
import type { SimProcess } from './sim-process.ts';
import type { Simulation } from './simulation.ts';

/** How long a connection that broke keeps its caller waiting at most, ms. */
const brokenAfterMsMax = 3000;

/** Carries calls from processes to engines, and loses, delays and repeats some of them. */
export class SimNetwork {
  readonly #simulation: Simulation;
  readonly #faults: () => FaultPlan;

  constructor(simulation: Simulation, faults: () => FaultPlan) {
    this.#simulation = simulation;
    this.#faults = faults;
  }

  /** An engine as a process sees it: each of its methods is a request and a reply. `silent` says which calls may never be answered. */
  remote<Port extends object>(process: SimProcess, port: Port, silent: readonly string[]): Port {
    return new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        const call = member as (...args: readonly unknown[]) => Promise<unknown>;
        return (...args: readonly unknown[]) => this.#call(process, String(name), silent.includes(String(name)), () => Reflect.apply(call, target, args));
      },
    });
  }

  /** A request that is under way arrives, whatever becomes of its sender. */
  #call(process: SimProcess, name: string, maySilence: boolean, work: () => Promise<unknown>): Promise<unknown> {
    const { lostRequest, lostReply, silence, duplicate } = this.#faults();
    const { dice } = this.#simulation;
    const [isLost, isUnanswered, isSilent, isDoubled] = [lostRequest, lostReply, silence, duplicate].map((chance) => dice.next() < chance);
    return new Promise((resolve, reject) => {
      const answer = (after: number, settle: () => void): void => void this.#simulation.after(after, () => process.goOn(name, settle));
      const broken = (): void => answer(dice.nextInteger(1, brokenAfterMsMax), () => reject(connectionBroke(name)));
      if (isLost) return broken();
      this.#simulation.after(this.#delayMs(), () => {
        const done = work();
        if (isDoubled) this.#simulation.after(this.#delayMs(), () => void work().catch(() => {}));
        done.then(
          (value) => (isSilent && maySilence ? undefined : isUnanswered ? broken() : answer(this.#delayMs(), () => resolve(value))),
          (error: unknown) => answer(this.#delayMs(), () => reject(error as Error)),
        );
      });
    });
  }

  #delayMs(): number {
    const { delay, delayMsMax } = this.#faults();
    const { dice } = this.#simulation;
    return dice.next() < delay ? dice.nextInteger(1, delayMsMax) : dice.nextInteger(0, 3);
  }
}

function connectionBroke(name: string): OperatingError {
  return new OperatingError(`The connection broke during ${name}.`, { code: 'CONNECTION_BROKEN', retryable: true });
}
