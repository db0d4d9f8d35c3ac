import type { Context } from '#events';
import type { ReadCondition, ReadStore } from '#ports';
import { lanes, type EventFilter } from '../events/event-filter.core.ts';
import type { ResumeTokens, TokenPositions } from '../events/resume-token.codec.ts';
import { positionsOfToken, type Subscriptions } from '../events/subscriptions.ts';
import type { Authenticator } from '../access/authenticator.ts';
import { badRequest, ProblemError } from '../http/problem.errors.ts';
import { WatchService, type WatchRequest } from './generated/streams/v1/watch_service_pb.ts';
import type { GrpcCaller, GrpcCalls } from './grpc-calls.ts';
import { GrpcWriter, type StreamCall } from './grpc-writer.ts';
import { conditionsOf } from './query.ts';
import { confinement, tableFor, type ReadTable } from './read-models.ts';
import { WatchSink } from './watch-sink.ts';

export interface WatchDeps {
  readonly calls: GrpcCalls;
  readonly reads: ReadStore;
  readonly subscriptions: Subscriptions;
  readonly tokens: ResumeTokens;
  readonly authenticator: Authenticator;
  readonly stopping: AbortSignal;
}

/** A snapshot is held in memory until the reader has taken it. */
const snapshotRowsMax = 5_000;

/** `WatchService`: the rows of a read model, then every row that changes. */
export class Watcher {
  readonly #deps: WatchDeps;
  readonly watch: ReturnType<GrpcCalls['serverStream']>;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
    this.watch = deps.calls.serverStream(WatchService.method.watch, ['view', 'operate'], (request, caller, call) => this.#serve(request, caller, call));
  }

  async #serve(request: WatchRequest, { principal, token: bearer }: GrpcCaller, call: StreamCall): Promise<void> {
    const { reads, tokens, subscriptions, authenticator, stopping, calls } = this.#deps;
    const found = tableFor(principal, request.table);
    const where = conditionsOf(found.table, request.where);
    checkKeys(found, where);
    const own = confinement(principal);
    const { version, rows, checkpoints } = await reads.snapshot(found.projection.name, found.table, {
      where: [...where, ...own],
      orderBy: Object.keys(found.table.key).map((column) => ({ column })),
      limit: request.token === '' ? snapshotRowsMax + 1 : 1,
    });
    if (rows.length > snapshotRowsMax) throw tooMany();
    const filter = filterFor(found, where, version, own);
    const positions: TokenPositions =
      request.token === ''
        ? lanes.map(({ topic, partition }) => checkpoints.find((one) => one.topic === topic && one.partition === partition)?.position)
        : positionsOfToken(tokens, 'live', filter, request.token, 'token');
    await subscriptions.serve({
      filter,
      start: { positions },
      stopping,
      stillAllowed: () => authenticator.stillHolds(bearer, principal),
      sink: ({ formatToken }) =>
        new WatchSink({
          ...found,
          writer: new GrpcWriter(call, (error, token) => calls.statusOf(error, 'Watch', token)),
          reads,
          where,
          confinement: own,
          version,
          snapshot: request.token === '' ? rows : undefined,
          formatToken,
        }),
    });
  }
}

/** The events that the table is made of. Its tokens are for this table, version and condition alone. */
function filterFor({ projection, table }: ReadTable, where: readonly ReadCondition[], version: number, own: readonly ReadCondition[]): EventFilter {
  const conditions = [...where, ...own].map(({ column, value }) => [column, String(value)]).sort();
  return {
    contexts: projection.contexts as readonly Context[],
    types: projection.handles,
    purpose: JSON.stringify(['watch', table.name, version, conditions]),
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
    detail: `These are more than ${snapshotRowsMax} rows: watch fewer by "where", or page through them with ListRows.`,
  });
}
