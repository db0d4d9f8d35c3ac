import type { Clock } from '#ports';
import { metrics } from '../telemetry/metrics/metrics.constants.ts';
import { noMeter, type Meter } from '../telemetry/metrics/meter.ts';

/** How a worker does; plain data, so that it can be told from thread to thread. */
export interface WorkerState {
  readonly worker: string;
  /** Leases under which it works now. */
  readonly held: number;
  /** ms since the Unix epoch; undefined before the first time. */
  readonly succeededAtMs: number | undefined;
  /** Since it was started. */
  readonly failures: number;
}

/** What a worker says of itself. */
export interface WorkerSignals {
  holds(leases: number): void;
  succeeded(): void;
  failed(): void;
}

/** For what runs without being looked at. */
export const unseen: WorkerSignals = { holds: () => undefined, succeeded: () => undefined, failed: () => undefined };

interface Entry {
  state: WorkerState;
}

/** Where the workers of a process say how they do, and metrics read it; workers of another thread are copied over. */
export class WorkBoard {
  readonly #clock: Clock;
  readonly #meter: Meter;
  readonly #workers = new Map<string, Entry>();

  constructor(clock: Clock, meter: Meter = noMeter) {
    this.#clock = clock;
    this.#meter = meter;
    const [held, success] = [meter.gauge(metrics.workerLeases), meter.gauge(metrics.workerSuccess)];
    meter.onCollect('workers', () => {
      held.clear();
      success.clear();
      for (const { worker, held: leases, succeededAtMs } of this.states()) {
        held.set(leases, { worker });
        if (succeededAtMs !== undefined) success.set(succeededAtMs / 1000, { worker });
      }
    });
  }

  /** A worker of this thread. */
  worker(worker: string): WorkerSignals {
    const entry = this.#entryOf(worker);
    const set = (change: Partial<WorkerState>): void => void (entry.state = { ...entry.state, ...change });
    return {
      holds: (held) => set({ held }),
      succeeded: () => set({ succeededAtMs: this.#clock.now() }),
      failed: () => {
        set({ failures: entry.state.failures + 1 });
        this.#count(worker, 1);
      },
    };
  }

  states(): readonly WorkerState[] {
    return [...this.#workers.values()].map(({ state }) => state);
  }

  /** Takes over what the board of another thread says. A thread that was started anew counts from nothing again. */
  copy(states: readonly WorkerState[]): void {
    for (const state of states) {
      const entry = this.#entryOf(state.worker);
      const before = entry.state;
      this.#count(state.worker, state.failures < before.failures ? state.failures : state.failures - before.failures);
      entry.state = { ...state, succeededAtMs: state.succeededAtMs ?? before.succeededAtMs };
    }
  }

  #entryOf(worker: string): Entry {
    const entry = this.#workers.get(worker) ?? { state: { worker, held: 0, succeededAtMs: undefined, failures: 0 } };
    this.#workers.set(worker, entry);
    this.#count(worker, 0); // shown from the beginning
    return entry;
  }

  #count(worker: string, failures: number): void {
    this.#meter.counter(metrics.workerFailures).add(failures, { worker });
  }
}
