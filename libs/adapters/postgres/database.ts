import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { OperatingError } from '#kernel';
import { databaseError, sqlState } from './database-errors.ts';
import { Pipeline, type Step } from './pipeline.ts';

export interface DatabaseInit {
  /** `postgresql://user:password@host:port/database` */
  readonly url: string;
  /** Connections at most; 8 by default. */
  readonly connectionsMax?: number;
  /** Shown by the server in pg_stat_activity. */
  readonly name?: string;
}

/** One statement. With a name it is prepared once per connection; a name must always mean the same text. */
export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
  readonly name?: string;
  /** How long the client waits for the answer, where the common 40 s are too few, ms. */
  readonly timeoutMs?: number;
}

/** A row as the server sent it: text per column, in the order of the select list. */
export type TextRow = ReadonlyArray<string | null>;

export interface TextResult {
  readonly rows: readonly TextRow[];
  /** Rows that the statement touched. */
  readonly count: number;
}

/** Why a pipeline was rolled back. */
export interface StepFailure {
  /** Which of the steps failed, from 0; the number of steps when it was the commit, or the connection. */
  readonly step: number;
  readonly error: OperatingError;
}

/** How long a statement that only reads is tried again while the server restarts. */
const readPatienceMs = 3000;

/** Values stay text: each caller knows its columns better than a general parser (int8 is a bigint here and a number there). */
const textTypes: pg.CustomTypesConfig = { getTypeParser: () => (text: string | Buffer) => text };

/**
 * The one connection pool of a process. Connections come back by themselves after the server restarted; a statement
 * that was under way then fails with `DATABASE_UNAVAILABLE`.
 */
export class Database {
  readonly #pool: pg.Pool;

  constructor(init: DatabaseInit) {
    this.#pool = new pg.Pool({
      connectionString: init.url,
      max: init.connectionsMax ?? 8,
      application_name: init.name ?? 'streams',
      connectionTimeoutMillis: 5000,
      idleTimeoutMillis: 60_000,
      keepAlive: true,
      types: textTypes,
      // The server gives up first and says why; the client's own limit is for a server that does not answer at all.
      statement_timeout: 30_000,
      lock_timeout: 10_000,
      query_timeout: 40_000,
      idle_in_transaction_session_timeout: 30_000,
    });
    // A connection that breaks while idle is replaced when the next one is needed.
    this.#pool.on('error', () => undefined);
    // The pool listens to idle ones alone. A server that ends may say so in the very packet that makes a connection ready: before
    // whoever asked for it can listen. The statement under way, or the next one, fails as well, and says so.
    this.#pool.on('connect', (client) => void client.on('error', () => undefined));
  }

  /** Connections: open, of them idle, and how many callers wait for one. */
  get use(): { readonly total: number; readonly idle: number; readonly waiting: number } {
    return { total: this.#pool.totalCount, idle: this.#pool.idleCount, waiting: this.#pool.waitingCount };
  }

  /** @throws OperatingError of the codes in {@link databaseError} */
  async run(statement: Statement): Promise<TextResult> {
    try {
      return asText(await this.#pool.query(toQuery(statement)));
    } catch (error) {
      throw databaseError(error);
    }
  }

  /** Runs a statement that may be repeated without harm: a restart of the server is waited out, for a few seconds. */
  async read(statement: Statement, patienceMs = readPatienceMs): Promise<TextResult> {
    for (let waited = 0, pauseMs = 25; ; waited += pauseMs, pauseMs = Math.min(pauseMs * 2, 400)) {
      try {
        return await this.run(statement);
      } catch (error) {
        if (databaseError(error).code !== 'DATABASE_UNAVAILABLE' || waited >= patienceMs) throw error;
      }
      await sleep(pauseMs);
    }
  }

  /** Runs `work` in a transaction: committed when it returns, rolled back when it throws. */
  async transaction<T>(work: (run: (statement: Statement) => Promise<TextResult>) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw databaseError(error);
    });
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      const result = await work(async (statement) => asText(await client.query(toQuery(statement))));
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((lost: Error) => (broken = lost));
      throw databaseError(error);
    } finally {
      client.release(broken);
    }
  }

  /**
   * Runs statements as one transaction, sent together and answered together: what a transaction of several round trips
   * costs in waiting, above all while this process is busy, it does not.
   * @returns what failed, and then nothing was written; undefined when all is committed.
   */
  async atomically(steps: readonly Step[]): Promise<StepFailure | undefined> {
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      return { step: steps.length, error: databaseError(error) };
    }
    const [failure, finished] = await new Promise<[unknown, number]>((resolve) => {
      const pipeline: Pipeline = new Pipeline(steps, (error) => resolve([error, pipeline.finished]));
      client.query(pipeline);
    });
    const error = failure === undefined ? undefined : databaseError(failure);
    // A statement that the server refused leaves the connection in order; whatever else happened does not.
    client.release(error !== undefined && (sqlState(error) === '' || error.code === 'DATABASE_UNAVAILABLE'));
    return error === undefined ? undefined : { step: finished, error };
  }

  /** Waits for statements under way and closes all connections. */
  async close(): Promise<void> {
    await this.#pool.end();
  }
}

function toQuery({ text, values, name, timeoutMs }: Statement): pg.QueryArrayConfig {
  return {
    text,
    rowMode: 'array',
    ...(values === undefined ? {} : { values: [...values] }),
    ...(name === undefined ? {} : { name }),
    ...(timeoutMs === undefined ? {} : { query_timeout: timeoutMs }),
  };
}

/**
 * Takes the rows out of what the client hands over. It holds its last query until the next one has begun, through the timer of `query_timeout`, so
 * that each leads to the one after it: once one of them had grown old, all rows of all later queries outlived the collections of young objects,
 * which copied them, a few ms each, until a full one.
 */
function asText(result: pg.QueryArrayResult): TextResult {
  const { rows, rowCount } = result;
  result.rows = [];
  return { rows: rows as TextRow[], count: rowCount ?? 0 };
}
