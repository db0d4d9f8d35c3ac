import { Outbox, type OutboxBacklog, type OutboxRow, type SeenPartition } from '#ports';
import { metrics } from '../metrics/metrics.constants.ts';
import type { Telemetry } from '../telemetry.ts';

/** The outbox, seen from outside: how much waits, and for how long. */
export class ObservedOutbox extends Outbox {
  readonly #outbox: Outbox;

  constructor(outbox: Outbox, { meter }: Telemetry, now: () => number) {
    super();
    this.#outbox = outbox;
    if (!meter.has(metrics.outboxRows)) return;
    const rows = meter.gauge(metrics.outboxRows);
    const age = meter.gauge(metrics.outboxAgeSeconds);
    meter.onCollect('outbox', async () => {
      const backlog = await outbox.backlog();
      rows.set(backlog.rows, {});
      age.set(backlog.oldestMs === undefined ? 0 : Math.max(0, now() - backlog.oldestMs) / 1000, {});
    });
  }

  override take(rowsMax: number, waitMs: number, signal?: AbortSignal): Promise<readonly OutboxRow[]> {
    return this.#outbox.take(rowsMax, waitMs, signal);
  }

  override forget(sequence: bigint, seen?: readonly SeenPartition[]): Promise<void> {
    return this.#outbox.forget(sequence, seen);
  }

  override backlog(): Promise<OutboxBacklog> {
    return this.#outbox.backlog();
  }
}
