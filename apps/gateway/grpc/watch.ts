import type { ReadCondition, ReadRow } from '#ports';
import type { TableSpec } from '#kernel';
import { create, toBinary } from '@bufbuild/protobuf';
import type { Authenticator } from '../access/authenticator.ts';
import type { SubscriptionEnd } from '../events/subscription.ts';
import { readTables, tableFor } from '../watch/read-models.ts';
import type { RowWatches } from '../watch/row-watches.ts';
import type { WatchOutput } from '../watch/watch-sink.ts';
import type { Row } from './generated/streams/v1/read_models_pb.ts';
import { WatchResponseSchema, WatchService, type WatchRequest } from './generated/streams/v1/watch_service_pb.ts';
import type { GrpcCaller, GrpcCalls } from './grpc-calls.ts';
import { GrpcWriter, type StreamCall } from './grpc-writer.ts';
import { anyRowMessage, conditionsOf, fieldOfTable, invalid } from './row.codec.ts';

export interface WatchDeps {
  readonly calls: GrpcCalls;
  readonly watches: RowWatches;
  readonly authenticator: Authenticator;
}

/** `WatchService`: the rows of a read model, then every row that changes. */
export class Watcher {
  readonly #deps: WatchDeps;
  readonly watch: ReturnType<GrpcCalls['serverStream']>;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
    this.watch = deps.calls.serverStream(WatchService.method.watch, ['view', 'operate'], (request, caller, call) => this.#serve(request, caller, call));
  }

  async #serve({ where, token }: WatchRequest, { principal, token: bearer }: GrpcCaller, call: StreamCall): Promise<void> {
    const { watches, authenticator, calls } = this.#deps;
    const { name, conditions } = asked(where);
    await watches.serve({
      principal,
      table: name,
      conditions: () => conditions,
      token,
      tokenField: 'token',
      stillAllowed: () => authenticator.stillHolds(bearer, principal),
      output: () => new GrpcRows(tableFor(principal, name).table, new GrpcWriter(call, (error, at) => calls.statusOf(error, 'Watch', at))),
    });
  }
}

/** The table that is meant, and which of its rows. @throws ProblemError 400 */
function asked(where: Row | undefined): { readonly name: string; readonly conditions: readonly ReadCondition[] } {
  const found = readTables.find(({ table }) => fieldOfTable(table).localName === where?.row.case);
  if (found === undefined || where?.row.value === undefined) throw invalid([{ field: 'where', message: 'Which read model? Set one of its fields.' }]);
  const { name, message } = fieldOfTable(found.table);
  return { name, conditions: conditionsOf(message, where.row.value, `where.${name}`) };
}

/** Rows as messages of a call. */
class GrpcRows implements WatchOutput {
  readonly #table: TableSpec;
  readonly #writer: GrpcWriter;

  constructor(table: TableSpec, writer: GrpcWriter) {
    this.#table = table;
    this.#writer = writer;
  }

  get hasRoom(): boolean {
    return this.#writer.hasRoom;
  }

  get gone(): boolean {
    return this.#writer.gone;
  }

  watch(wake: () => void): void {
    this.#writer.watch(wake);
  }

  write(rows: readonly ReadRow[], token: string, snapshot: boolean): void {
    const message = create(WatchResponseSchema, { rows: rows.map((row) => anyRowMessage(this.#table, row)), token, snapshot });
    this.#writer.write(toBinary(WatchResponseSchema, message));
  }

  end(end: Exclude<SubscriptionEnd, 'client-gone'>, token: string, error?: unknown): void {
    this.#writer.end(end, token, error);
  }
}
