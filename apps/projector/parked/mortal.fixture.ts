import { Timers } from '#ports';

/** A process within this one that can be killed: from then on nothing that it waits for ever comes. */
export class Mortal extends Timers {
  #alive = true;
  #last: string | undefined;
  readonly #death = Promise.withResolvers<void>();

  get alive(): boolean {
    return this.#alive;
  }

  /** Kills it when the next call of that name is done, before it hears of it. */
  diesAfter(call: string): Promise<void> {
    this.#last = call;
    return this.#death.promise;
  }

  /** The engine as this process reaches it. */
  use<Engine extends object>(engine: Engine): Engine {
    return new Proxy(engine, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...args: readonly unknown[]): unknown => this.#call(String(name), Reflect.apply(member, target, args));
      },
    });
  }

  #call(name: string, answer: unknown): unknown {
    if (!(answer instanceof Promise)) return answer;
    return new Promise((resolve, reject) => {
      answer.then(
        (value) => this.#goOn(name, () => resolve(value)),
        (error: unknown) => this.#goOn(name, () => reject(error as Error)),
      );
    });
  }

  #goOn(name: string, run: () => void): void {
    if (name === this.#last) {
      this.#alive = false;
      this.#death.resolve();
    }
    if (this.#alive) run();
  }

  override after(ms: number, wake: () => void): () => void {
    const timer = setTimeout(() => this.#alive && wake(), ms);
    return () => clearTimeout(timer);
  }

  override chance(): number {
    return Math.random();
  }
}
