import { setTimeout as sleep } from 'node:timers/promises';
import { Outbox, type OutboxBacklog, type OutboxRow, type SeenPartition } from '#ports';
import type { Database, TextRow } from './database.ts';
import { noteSql, noteValues } from './postgres-head-progress.adapter.ts';

/** Looks follow each other this closely after there was something, and ever less closely while there is nothing. */
const firstPauseMs = 2;
const lastPauseMs = 25;
const slowdown = 1.3;

/**
 * Does not wait for the disk, and so keeps nobody waiting: rows that come back because the server died in that moment are
 * relayed once more, and the log recognises them.
 */
const forgetSql = `
  WITH noted AS (${noteSql(2)})
  DELETE FROM streams.outbox USING (SELECT set_config('synchronous_commit', 'off', true)) AS hurried
  WHERE sequence <= $1`;

/**
 * Reads `streams.outbox` by looking: a look at an empty outbox costs a tenth of a millisecond, and unlike a
 * notification it cannot be lost with a connection.
 */
export class PostgresOutbox extends Outbox {
  readonly #database: Database;
  #pauseMs = firstPauseMs;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  override async take(rowsMax: number, waitMs: number, signal?: AbortSignal): Promise<readonly OutboxRow[]> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const rows = await this.#look(rowsMax);
      const leftMs = deadline - performance.now();
      this.#pauseMs = rows.length > 0 ? firstPauseMs : Math.min(this.#pauseMs * slowdown, lastPauseMs);
      if (rows.length > 0 || leftMs <= 0) return rows;
      const slept = await sleep(Math.min(this.#pauseMs, leftMs), true, signal === undefined ? {} : { signal }).catch(() => false);
      if (!slept) return []; // called off
    }
  }

  override async forget(sequence: bigint, seen: readonly SeenPartition[] = []): Promise<void> {
    await this.#database.read({ name: 'forget_outbox', text: forgetSql, values: [String(sequence), ...noteValues(seen)] });
  }

  /** Sequences have no gaps: the ends of the index say how many rows there are. */
  override async backlog(): Promise<OutboxBacklog> {
    const text = `
      SELECT coalesce(max(sequence) - min(sequence) + 1, 0),
             (SELECT headers ->> 'ce_time' FROM streams.outbox ORDER BY sequence LIMIT 1)
      FROM streams.outbox`;
    const { rows } = await this.#database.run({ name: 'outbox_backlog', text });
    const [count, time] = rows[0] ?? [];
    return { rows: Number(count ?? 0), oldestMs: time ? Date.parse(time) : undefined };
  }

  async #look(rowsMax: number): Promise<readonly OutboxRow[]> {
    const text = `
      SELECT sequence, topic, topic_sequence, (SELECT incarnation FROM streams.outbox_state), key, headers, value
      FROM streams.outbox ORDER BY sequence LIMIT $1`;
    const { rows } = await this.#database.run({ name: 'take_outbox', text, values: [rowsMax] });
    return rows.map(rowOf);
  }
}

function rowOf([sequence, topic, topicSequence, incarnation, key, headers, value]: TextRow): OutboxRow {
  return {
    sequence: BigInt(sequence ?? 0),
    topic: topic ?? '',
    topicSequence: BigInt(topicSequence ?? 0),
    incarnation: BigInt(incarnation ?? 0),
    record: { key: key ?? '', headers: JSON.parse(headers ?? '{}') as Record<string, string>, value: value ?? '' },
  };
}
