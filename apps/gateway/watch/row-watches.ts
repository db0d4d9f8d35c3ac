import type { Principal } from '#domain/access';
import type { Context } from '#events';
import type { TableSpec } from '#kernel';
import type { ReadCondition, ReadRow, ReadSnapshot, ReadStore } from '#ports';
import { lanes, type EventFilter } from '../events/event-filter.core.ts';
import type { ResumeTokens, TokenPositions } from '../events/resume-token.codec.ts';
import { positionsOfToken, type Subscriptions } from '../events/subscriptions.ts';
import type { SubscriptionEnd } from '../events/subscription.ts';
import { badRequest, ProblemError } from '../http/problem.errors.ts';
import type { RowView } from '../review/shown-rows.ts';
import { confinement, tableFor, type ReadTable } from './read-models.ts';
import { WatchSink, type WatchOutput } from './watch-sink.ts';

export interface RowWatchesDeps {
  readonly reads: ReadStore;
  readonly shown: RowView;
  readonly subscriptions: Subscriptions;
  readonly tokens: ResumeTokens;
  /** Aborted when the process ends. */
  readonly stopping: AbortSignal;
}

export interface RowWatch {
  readonly principal: Principal;
  readonly table: string;
  /** Conditions on columns of the key, read from the request. @throws ProblemError 400 */
  readonly conditions: (table: TableSpec) => readonly ReadCondition[];
  /** Where to go on; empty to begin with the rows as they are. */
  readonly token: string;
  /** The field that the token came in. */
  readonly tokenField: string;
  readonly stillAllowed: () => Promise<boolean>;
  /** Called when nothing stands in the way any more: from now on failures go to the output. */
  readonly output: () => WatchOutput;
}

/** A snapshot is held in memory until the reader has taken it. */
const snapshotRowsMax = 5_000;

/** The rows of a read model, then every row that changes, whatever the protocol; its tokens go on in every one of them. */
export class RowWatches {
  readonly #deps: RowWatchesDeps;

  constructor(deps: RowWatchesDeps) {
    this.#deps = deps;
  }

  /** Resolves when the reader is gone. Until the output is asked for, failures are thrown. */
  async serve({ principal, table: name, conditions, token, tokenField, stillAllowed, output }: RowWatch): Promise<SubscriptionEnd> {
    const { reads, shown, tokens, subscriptions, stopping } = this.#deps;
    const found = tableFor(principal, name);
    const where = await shown.conditions(found.table, conditions(found.table), 'where.');
    checkKeys(found, where);
    const own = confinement(principal);
    const { version, serving, rows, checkpoints } = await this.#snapshot(found, [...where, ...own], token === '');
    const filter = filterFor(found, where, `${version}/${serving}`, own);
    const positions: TokenPositions = token === '' ? positionsAt(checkpoints) : positionsOfToken(tokens, 'live', filter, token, tokenField);
    const snapshot: readonly ReadRow[] | undefined = token === '' ? await shown.rows(found.table, rows) : undefined;
    return subscriptions.serve({
      filter,
      start: { positions },
      stopping,
      stillAllowed,
      sink: ({ formatToken }) => new WatchSink({ ...found, output: output(), reads, shown, where, confinement: own, version, serving, snapshot, formatToken }),
    });
  }

  /** @throws ProblemError 412 for more rows than are held for one reader */
  async #snapshot({ projection, table }: ReadTable, where: readonly ReadCondition[], all: boolean): Promise<ReadSnapshot> {
    const orderBy = Object.keys(table.key).map((column) => ({ column }));
    const snapshot = await this.#deps.reads.snapshot(projection.name, table, { where, orderBy, limit: all ? snapshotRowsMax + 1 : 1 });
    if (snapshot.rows.length > snapshotRowsMax) throw tooMany();
    return snapshot;
  }
}

function positionsAt(checkpoints: ReadSnapshot['checkpoints']): TokenPositions {
  return lanes.map(({ topic, partition }) => checkpoints.find((one) => one.topic === topic && one.partition === partition)?.position);
}

/** The events that the table is made of. Its tokens are for this table, these rows of it and this condition alone. */
function filterFor({ projection, table }: ReadTable, where: readonly ReadCondition[], rows: string, own: readonly ReadCondition[]): EventFilter {
  const conditions = [...where, ...own].map(({ column, value }) => [column, String(value)]).sort();
  return {
    contexts: projection.contexts as readonly Context[],
    types: projection.handles,
    purpose: JSON.stringify(['watch', table.name, rows, conditions]),
  };
}

/** A row never leaves what is watched: columns of the key do not change. */
function checkKeys({ table }: ReadTable, where: readonly ReadCondition[]): void {
  const errors = where
    .filter(({ column }) => !Object.hasOwn(table.key, column))
    .map(({ column }) => ({ field: `where.${column}`, message: `Only columns of the key can be watched by: ${Object.keys(table.key).join(', ')}.` }));
  if (errors.length > 0) throw badRequest('invalid-request', errors.map(({ field, message }) => `${field}: ${message}`).join(' '), errors);
}

function tooMany(): ProblemError {
  return new ProblemError({
    status: 412,
    code: 'too-many-rows',
    detail: `These are more than ${snapshotRowsMax} rows: watch fewer by "where", or page through them.`,
  });
}
