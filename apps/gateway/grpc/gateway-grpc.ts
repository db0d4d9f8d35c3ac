import type { Admissions } from '../access/admissions.ts';
import type { Authenticator } from '../access/authenticator.ts';
import type { ResumeTokens } from '../events/resume-token.codec.ts';
import type { Subscriptions } from '../events/subscriptions.ts';
import type { IdSource, ReadStore } from '#ports';
import type { EventIntake, Lifecycle, Logger, Telemetry } from '#runtime';
import type { PastModels } from '../past/past-models.ts';
import type { EventReview } from '../review/event-review.ts';
import type { ShownRows } from '../review/shown-rows.ts';
import { catalogueMessage } from './catalogue.ts';
import { EventService } from './generated/streams/v1/event_service_pb.ts';
import { QueryService } from './generated/streams/v1/query_service_pb.ts';
import { WatchService } from './generated/streams/v1/watch_service_pb.ts';
import { GrpcCalls } from './grpc-calls.ts';
import { GrpcServer, type GrpcServerInit } from './grpc-server.ts';
import { Publisher } from './publish.ts';
import { queryHandlers } from './query.ts';
import { reviewHandlers } from './review.ts';
import { Subscriber } from './subscribe.ts';
import { Watcher } from './watch.ts';
import type { RowWatches } from '../watch/row-watches.ts';

export interface GatewayGrpcDeps {
  readonly admissions: Admissions;
  readonly authenticator: Authenticator;
  readonly subscriptions: Subscriptions;
  readonly tokens: ResumeTokens;
  readonly intake: EventIntake;
  readonly reads: ReadStore;
  readonly review: EventReview;
  readonly past: PastModels;
  readonly shown: ShownRows;
  readonly watches: RowWatches;
  readonly ids: IdSource;
  readonly lifecycle: Lifecycle;
  readonly logger: Logger;
  readonly telemetry?: Telemetry | undefined;
}

/** The gateway's services over gRPC, on the same parts as its REST. */
export function gatewayGrpc(deps: GatewayGrpcDeps, init: GrpcServerInit): GrpcServer {
  const { admissions, authenticator, subscriptions, tokens, lifecycle, logger } = deps;
  const calls = new GrpcCalls({ admissions, logger, newId: () => deps.ids.next() });
  const subscriber = new Subscriber({ calls, subscriptions, tokens, authenticator, stopping: lifecycle.stopping });
  const publisher = new Publisher({
    calls,
    intake: deps.intake,
    stillHolds: ({ token, principal }) => authenticator.stillHolds(token, principal),
    stopping: lifecycle.stopping,
  });
  const events = {
    publish: publisher.publish,
    publishStream: publisher.publishStream,
    getCatalogue: calls.unary(EventService.method.getCatalogue, ['view', 'operate', 'publish'], catalogueMessage),
    ...reviewHandlers(calls, deps.review),
    subscribe: subscriber.subscribe,
    subscribeWithCredit: subscriber.subscribeWithCredit,
  };
  const watcher = new Watcher({ calls, watches: deps.watches, authenticator });
  const services = [
    { service: EventService, handlers: events },
    {
      service: QueryService,
      handlers: queryHandlers({
        calls,
        shown: deps.shown.masked,
        readsOf: (asOf, read) => (asOf === undefined ? read(deps.reads) : deps.past.rowsAt(asOf, 'as_of', read)),
      }),
    },
    { service: WatchService, handlers: { watch: watcher.watch } },
  ];
  return new GrpcServer(services, init, deps.telemetry);
}
