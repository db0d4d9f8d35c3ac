import type { ReadRow } from '#ports';
import type { TableSpec } from '#kernel';
import { create, toBinary } from '@bufbuild/protobuf';
import type { Authenticator } from '../access/authenticator.ts';
import type { SubscriptionEnd } from '../events/subscription.ts';
import { tableFor } from '../watch/read-models.ts';
import type { RowWatches } from '../watch/row-watches.ts';
import type { WatchOutput } from '../watch/watch-sink.ts';
import { WatchResponseSchema, WatchService, type WatchRequest } from './generated/streams/v1/watch_service_pb.ts';
import type { GrpcCaller, GrpcCalls } from './grpc-calls.ts';
import { GrpcWriter, type StreamCall } from './grpc-writer.ts';
import { conditionsOf } from './query.ts';
import { rowMessage } from './row.codec.ts';

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

  async #serve({ table, where, token }: WatchRequest, { principal, token: bearer }: GrpcCaller, call: StreamCall): Promise<void> {
    const { watches, authenticator, calls } = this.#deps;
    await watches.serve({
      principal,
      table,
      conditions: (spec) => conditionsOf(spec, where),
      token,
      tokenField: 'token',
      stillAllowed: () => authenticator.stillHolds(bearer, principal),
      output: () => new GrpcRows(tableFor(principal, table).table, new GrpcWriter(call, (error, at) => calls.statusOf(error, 'Watch', at))),
    });
  }
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
    const message = create(WatchResponseSchema, { rows: rows.map((row) => rowMessage(this.#table, row)), token, snapshot });
    this.#writer.write(toBinary(WatchResponseSchema, message));
  }

  end(end: Exclude<SubscriptionEnd, 'client-gone'>, token: string, error?: unknown): void {
    this.#writer.end(end, token, error);
  }
}
