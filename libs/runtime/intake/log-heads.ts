import type { Context } from '#events';
import type { EventLog, Position } from '#ports';

interface Known {
  readonly heads: bigint[];
  readonly askedAt: number;
}

/** After this the log is asked again: others write too, and a search should not have to begin far back. */
const freshMs = 10_000;

/** Where partitions ended at some moment before now: what is appended next stands there or later. */
export class LogHeads {
  readonly #log: EventLog;
  readonly #known = new Map<Context, Known>();

  constructor(log: EventLog) {
    this.#log = log;
  }

  async refresh(topics: readonly Context[]): Promise<void> {
    const now = performance.now();
    for (const topic of topics) {
      const known = this.#known.get(topic);
      if (known !== undefined && now - known.askedAt < freshMs) continue;
      this.#known.set(topic, { heads: (await this.#log.heads(topic)).map(({ high }) => high), askedAt: now });
    }
  }

  of(topic: Context): readonly bigint[] {
    return this.#known.get(topic)?.heads ?? [];
  }

  /** Something of ours was written there. */
  moved(topic: Context, positions: readonly Position[]): void {
    const heads = this.#known.get(topic)?.heads;
    if (heads === undefined) return;
    for (const { partition, offset } of positions) if (offset >= (heads[partition] ?? 0n)) heads[partition] = offset + 1n;
  }
}
