import type { LogRecord } from '#events';
import { MemoryEventLog } from '#adapters/memory';
import type { AppendOptions, Position, ReadBatch, ReadLimits } from '#ports';
import type { Simulation } from './simulation.ts';

/** A log whose long reads wait in simulated time. */
export class SimEventLog extends MemoryEventLog {
  readonly #simulation: Simulation;
  readonly #waiting = new Set<() => void>();

  constructor(simulation: Simulation) {
    super(simulation.clock);
    this.#simulation = simulation;
  }

  override async append(topic: string, records: readonly LogRecord[], options: AppendOptions = {}): Promise<readonly Position[]> {
    const positions = await super.append(topic, records, options);
    for (const wake of [...this.#waiting]) wake();
    return positions;
  }

  override async read(topic: string, partition: number, from: bigint, limits: ReadLimits, signal?: AbortSignal): Promise<ReadBatch> {
    const end = this.#simulation.now + limits.waitMs;
    for (;;) {
      const batch = await super.read(topic, partition, from, { ...limits, waitMs: 0 });
      const leftMs = end - this.#simulation.now;
      if (batch.records.length > 0 || leftMs <= 0 || signal?.aborted === true) return batch;
      await this.#wait(leftMs, signal);
    }
  }

  #wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        callOff();
        signal?.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve();
      };
      const callOff = this.#simulation.after(ms, wake);
      this.#waiting.add(wake);
      signal?.addEventListener('abort', wake);
    });
  }
}
