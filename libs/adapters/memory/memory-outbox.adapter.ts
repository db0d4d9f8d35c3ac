import type { LogRecord } from '#events';
import { Outbox, type Clock, type OutboxBacklog, type OutboxRow } from '#ports';
import { Waiters } from './waiters.ts';

/** The outbox that a {@link MemoryAggregateStore} fills. */
export class MemoryOutbox extends Outbox {
  readonly #incarnation: bigint;
  readonly #waiters = new Waiters();
  readonly #topicSequences = new Map<string, bigint>();
  #rows: OutboxRow[] = [];
  #sequence = 0n;

  constructor(clock: Clock) {
    super();
    this.#incarnation = BigInt(clock.now());
  }

  /** Called by a commit, within its transaction as it were: nothing may run between. */
  add(topic: string, records: readonly LogRecord[]): void {
    for (const record of records) {
      const topicSequence = (this.#topicSequences.get(topic) ?? 0n) + 1n;
      this.#topicSequences.set(topic, topicSequence);
      this.#sequence += 1n;
      this.#rows.push({ sequence: this.#sequence, topic, topicSequence, incarnation: this.#incarnation, record });
    }
    this.#waiters.wake();
  }

  override async take(rowsMax: number, waitMs: number, signal?: AbortSignal): Promise<readonly OutboxRow[]> {
    if (this.#rows.length === 0 && waitMs > 0) await this.#waiters.wait(waitMs, signal);
    return this.#rows.slice(0, rowsMax);
  }

  override async forget(sequence: bigint): Promise<void> {
    this.#rows = this.#rows.filter((row) => row.sequence > sequence);
  }

  override async backlog(): Promise<OutboxBacklog> {
    const oldest = this.#rows[0];
    return { rows: this.#rows.length, oldestMs: oldest === undefined ? undefined : Date.parse(oldest.record.headers['ce_time'] ?? '') };
  }
}
