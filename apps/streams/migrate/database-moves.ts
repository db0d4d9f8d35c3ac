import { existsSync } from 'node:fs';
import { EmbeddedPostgres } from '#adapters/embedded-postgres';
import { Database, PostgresLeaseStore, PostgresOutbox, PostgresProjectionStore, type Statement, type TextResult } from '#adapters/postgres';
import type { LeaseView, OutboxRow } from '#ports';
import { runMigrations } from '#migrations';
import type { StreamsSettings } from '../streams.config.ts';
import { exitCodes, PlainFailure } from '../streams.errors.ts';
import type { TopicCopy } from './log-copy.ts';

const outboxRowsMax = 1_000_000;

export interface DatabaseMoves {
  readonly checkpoints: number;
  /** Outbox rows that the log held already. */
  readonly forgotten: number;
}

/** The new log: the engine's name, and which log it is. */
export interface MoveGoal {
  readonly to: string;
  readonly target: string;
}

type Run = (statement: Statement) => Promise<TextResult>;

/** Builds beside the read models that serve, by the same translation. */
async function moveBuilds(run: Run, copies: ReadonlyMap<string, TopicCopy>): Promise<void> {
  const { rows } = await run({ text: 'SELECT build, topic, partition, first, position FROM streams.build_positions FOR UPDATE' });
  for (const [build, topic, partition, first, position] of rows) {
    const offsets = copies.get(topic ?? '')?.offsets[Number(partition)];
    const moved = [first, position].map((offset) => `${offsets?.translate(BigInt(offset ?? '0')) ?? 0n}`);
    await run({
      text: 'UPDATE streams.build_positions SET first = $4, position = $5 WHERE build = $1 AND topic = $2 AND partition = $3',
      values: [build, topic, partition, ...moved],
    });
  }
}

/** How far reactors have read, and where the events of effects stand that are still to be performed. */
async function moveEffects(run: Run, copies: ReadonlyMap<string, TopicCopy>): Promise<void> {
  const moved = (topic: string | null | undefined, partition: string | null | undefined, offset: string | null | undefined): string =>
    `${copies.get(topic ?? '')?.offsets[Number(partition)]?.translate(BigInt(offset ?? '0')) ?? 0n}`;
  const { rows: positions } = await run({ text: 'SELECT reactor, topic, partition, position FROM streams.reactor_positions FOR UPDATE' });
  for (const [reactor, topic, partition, position] of positions) {
    await run({
      text: 'UPDATE streams.reactor_positions SET position = $4 WHERE reactor = $1 AND topic = $2 AND partition = $3',
      values: [reactor, topic, partition, moved(topic, partition, position)],
    });
  }
  const { rows: effects } = await run({ text: 'SELECT key, topic, partition, event_offset FROM streams.effects FOR UPDATE' });
  for (let at = 0; at < effects.length; at += 1000) {
    const some = effects.slice(at, at + 1000);
    const offsets = some.map(([, topic, partition, offset]) => moved(topic, partition, offset));
    await run({
      text: 'UPDATE streams.effects AS mine SET event_offset = moved.at FROM unnest($1::text[], $2::bigint[]) AS moved (key, at) WHERE mine.key = moved.key',
      values: [some.map(([key]) => key), offsets],
    });
  }
}

/**
 * The trees of the audit ledger stay as they are, for they know nothing of offsets: only where their records stand is moved.
 * Once: an offset that is translated twice names another record.
 */
async function moveLedger(run: Run, copies: ReadonlyMap<string, TopicCopy>, to: string): Promise<void> {
  const { rows: trees } = await run({
    text: 'SELECT topic, partition, position, last_offset FROM streams.ledger_trees WHERE log IS DISTINCT FROM $1 FOR UPDATE',
    values: [to],
  });
  for (const [topic, partition, position, lastOffset] of trees) {
    const offsets = copies.get(topic ?? '')?.offsets[Number(partition)];
    const moved = (offset: string | null | undefined): string | null =>
      offset === null || offset === undefined ? null : `${offsets?.translate(BigInt(offset)) ?? 0n}`;
    await run({
      text: 'UPDATE streams.ledger_trees SET position = $3, last_offset = $4, log = $5 WHERE topic = $1 AND partition = $2',
      values: [topic, partition, moved(position), moved(lastOffset), to],
    });
    const { rows: tiles } = await run({
      text: 'SELECT index, first_offset FROM streams.ledger_tiles WHERE topic = $1 AND partition = $2 AND level = 0',
      values: [topic, partition],
    });
    await run({
      text: `UPDATE streams.ledger_tiles AS tile SET first_offset = moved.first_offset FROM unnest($3::bigint[], $4::bigint[]) AS moved (index, first_offset)
        WHERE topic = $1 AND partition = $2 AND level = 0 AND tile.index = moved.index`,
      values: [topic, partition, tiles.map(([index]) => index), tiles.map(([, offset]) => moved(offset))],
    });
  }
}

/** What the database knows about the old log, made true of the new one. */
export class MigratedDatabase {
  readonly #database: Database;
  readonly #stop: () => Promise<void>;
  readonly #outbox: PostgresOutbox;
  /** Rows that the relay had not forgotten, by event id. */
  readonly #waiting: ReadonlyMap<string, OutboxRow>;
  #last: bigint | undefined;
  #forgotten = 0;

  private constructor(database: Database, outbox: PostgresOutbox, rows: readonly OutboxRow[], stop: () => Promise<void>) {
    this.#database = database;
    this.#outbox = outbox;
    this.#stop = stop;
    this.#waiting = new Map(rows.map((row) => [row.record.headers['ce_id'] ?? '', row]));
  }

  /** The database that belongs to the log: by `DATABASE_URL`, else the embedded one, when there is one. */
  static async open(settings: StreamsSettings): Promise<MigratedDatabase | undefined> {
    const { databaseUrl, dataDir, postgresPath } = settings;
    if (databaseUrl === undefined && !existsSync(postgresPath)) return undefined;
    const server = databaseUrl === undefined ? await EmbeddedPostgres.start({ dataDir }) : undefined;
    const database = new Database({ url: databaseUrl ?? server?.url ?? '', name: 'migrate-log' });
    const stop = async (): Promise<void> => {
      await database.close();
      await server?.stop();
    };
    try {
      // The database may be of an older version, which has not started since.
      await runMigrations(databaseUrl ?? server?.url ?? '');
      const outbox = new PostgresOutbox(database);
      return new MigratedDatabase(database, outbox, await outbox.take(outboxRowsMax, 0), stop);
    } catch (error) {
      await stop();
      throw error;
    }
  }

  /** @throws PlainFailure when the database is of neither log: its offsets cannot be translated; or when events stand parked at offsets of the old one. */
  async check(source: string, target: string): Promise<void> {
    const bound = await new PostgresProjectionStore(this.#database).boundLog();
    if (bound === target) return;
    const { rows } = await this.#database.read({ text: 'SELECT count(*) FROM streams.parked_events' });
    if (rows[0]?.[0] !== '0')
      throw new PlainFailure(
        `${rows[0]?.[0]} events are parked, and what waits behind them is known by its place in this log: start the platform, deal with them (streams parked list), and copy the log then. Nothing was changed.`,
        exitCodes.usage,
      );
    if (bound === undefined || bound === source) return;
    throw new PlainFailure(
      `The database belongs to the event log ${bound}, but ${source} is to be copied: set KAFKA_BROKERS, KAFKA_TOPIC_PREFIX, STREAMS_DATA_DIR and DATABASE_URL of one platform. Nothing was changed.`,
      exitCodes.usage,
    );
  }

  /** Leases that apps hold, wherever they run. */
  async liveLeases(): Promise<readonly LeaseView[]> {
    return (await new PostgresLeaseStore(this.#database).list('')).filter(({ expired }) => !expired);
  }

  /** A record of the old log. One that waits in the outbox, too, was written just before the relay could forget it. */
  saw(headers: Readonly<Record<string, string>>): void {
    const row = this.#waiting.get(headers['ce_id'] ?? '');
    if (row === undefined) return;
    this.#forgotten++;
    if (this.#last === undefined || row.sequence > this.#last) this.#last = row.sequence;
  }

  /**
   * Moves the checkpoints of all projections, and keeps the outbox from sending again what is copied; the audit ledger goes
   * on where it is. Resume tokens name the log that they are of, and gateways refuse those of the old one. Binds the database to
   * the new log, in the same transaction, so that once more changes nothing.
   */
  async move(copies: readonly TopicCopy[], { to, target }: MoveGoal): Promise<DatabaseMoves> {
    const byTopic = new Map(copies.map((copy) => [copy.topic, copy]));
    const checkpoints = await this.#database.transaction(async (run) => {
      const { rows: bound } = await run({ text: 'SELECT log FROM streams.bound_log FOR UPDATE' });
      if (bound[0]?.[0] === target) return 0;
      const { rows } = await run({ text: 'SELECT projection, version, topic, partition, position FROM streams.checkpoints FOR UPDATE', values: [] });
      for (const [projection, version, topic, partition, position] of rows) {
        const moved = byTopic.get(topic ?? '')?.offsets[Number(partition)]?.translate(BigInt(position ?? '0')) ?? 0n;
        await run({
          text: 'UPDATE streams.checkpoints SET position = $5 WHERE projection = $1 AND version = $2 AND topic = $3 AND partition = $4',
          values: [projection, version, topic, partition, `${moved}`],
        });
      }
      // What is being built, and what is kept for a roll-back.
      await moveBuilds(run, byTopic);
      await moveEffects(run, byTopic);
      await moveLedger(run, byTopic, to);
      await run({
        text: 'INSERT INTO streams.bound_log (log) VALUES ($1) ON CONFLICT (one) DO UPDATE SET log = excluded.log, bound_at = now()',
        values: [target],
      });
      return rows.length;
    });
    if (this.#last !== undefined) await this.#outbox.forget(this.#last);
    return { checkpoints, forgotten: this.#forgotten };
  }

  async close(): Promise<void> {
    await this.#stop();
  }
}
