import { encodeEvent, type Context } from '#events';
import { assert, OperatingError } from '#kernel';
import { AggregateStore, type AggregateCommit, type AggregateHead, type IdentifiedHead } from '#ports';
import { textArray } from './array-literal.ts';
import type { Database, Statement, TextRow } from './database.ts';
import { insertHeads } from './insert-heads.ts';

/** Heads of aggregates in `streams.heads`; a commit is one call of `streams.commit_head`, which fills the outbox as well. */
export class PostgresAggregateStore extends AggregateStore {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  override async load(context: Context, id: string): Promise<AggregateHead | undefined> {
    const text = 'SELECT version, state, tenant FROM streams.heads WHERE context = $1 AND id = $2';
    const { rows } = await this.#database.read({ name: 'load_head', text, values: [context, id] });
    return rows[0] === undefined ? undefined : headOf(rows[0]);
  }

  override async commit(commit: AggregateCommit): Promise<void> {
    const { rows } = await this.#database.run(commitStatement(commit));
    if (rows[0]?.[0] === 't') return;
    const { context, id, expectedVersion } = commit;
    throw new OperatingError(`${context}/${id} is not at version ${expectedVersion} any more.`, { code: 'VERSION_CONFLICT', retryable: true });
  }

  override async find(context: Context, field: string, value: string): Promise<readonly IdentifiedHead[]> {
    const text = 'SELECT version, state, tenant, id FROM streams.heads WHERE context = $1 AND state @> $2::jsonb ORDER BY id';
    const { rows } = await this.#database.read({ name: 'find_heads', text, values: [context, JSON.stringify({ [field]: value })] });
    return rows.map((row) => ({ ...headOf(row), id: row[3] ?? '' }));
  }

  override async restore(context: Context, heads: readonly IdentifiedHead[]): Promise<number> {
    return (await this.#database.run({ name: 'restore_heads', ...insertHeads(context, heads, 'DO NOTHING') })).count;
  }

  override async restoredPartitions(context: Context): Promise<readonly number[]> {
    const text = 'SELECT partition FROM streams.restored_heads WHERE context = $1 ORDER BY partition';
    const { rows } = await this.#database.read({ name: 'restored_heads', text, values: [context] });
    return rows.map(([partition]) => Number(partition));
  }

  override async markRestored(context: Context, partition: number): Promise<void> {
    const text = 'INSERT INTO streams.restored_heads (context, partition) VALUES ($1, $2) ON CONFLICT DO NOTHING';
    await this.#database.run({ name: 'mark_restored_heads', text, values: [context, String(partition)] });
  }
}

/** Answers `t`, or anything else when the head has moved on. */
export function commitStatement({ context, id, expectedVersion, state, events }: AggregateCommit): Statement {
  const moving = events.filter((event) => event.streamVersion !== 0n);
  moving.forEach((event, at) => assert(event.streamVersion === expectedVersion + BigInt(at) + 1n, 'versions run on from the expected one'));
  const records = events.map(encodeEvent);
  const values = [
    context,
    id,
    String(expectedVersion),
    String(expectedVersion + BigInt(moving.length)),
    JSON.stringify(state),
    textArray(records.map(({ key }) => key)),
    textArray(records.map(({ headers }) => JSON.stringify(headers))),
    textArray(records.map(({ value }) => value)),
  ];
  return { name: 'commit_head', text: 'SELECT streams.commit_head($1, $2, $3, $4, $5, $6, $7, $8)', values };
}

function headOf([version, state, tenant]: TextRow): AggregateHead {
  return { version: BigInt(version ?? 0), state: JSON.parse(state ?? 'null'), tenant: tenant ?? '' };
}
