import { appLogger, EventIntake, Lifecycle, type Logger } from '#runtime';
import type { Provider } from '@nestjs/common';
import { Admissions } from '../access/admissions.ts';
import { Authenticator } from '../access/authenticator.ts';
import { ResumeTokens } from '../events/resume-token.codec.ts';
import { Subscriptions } from '../events/subscriptions.ts';
import type { GatewayEngines } from '../gateway-engines.ts';
import type { GatewaySettings } from '../gateway.config.ts';
import { PastModels } from '../past/past-models.ts';
import { EventReview } from '../review/event-review.ts';
import { ShownRows } from '../review/shown-rows.ts';
import { RowWatches } from '../watch/row-watches.ts';
import { gatewayGrpc } from './gateway-grpc.ts';
import { GrpcServer } from './grpc-server.ts';

/** gRPC stands on the same parts as REST. */
export function grpcProviders({ reads, ids, telemetry }: GatewayEngines, { host, grpcPort, grpcTls }: GatewaySettings): Provider[] {
  return [
    {
      provide: GrpcServer,
      useFactory: (
        admissions: Admissions,
        authenticator: Authenticator,
        subscriptions: Subscriptions,
        tokens: ResumeTokens,
        intake: EventIntake,
        watches: RowWatches,
        past: PastModels,
        review: EventReview,
        shown: ShownRows,
        lifecycle: Lifecycle,
        logger: Logger,
      ) => {
        const parts = { admissions, authenticator, subscriptions, tokens, intake, watches, past, review, shown, reads, ids, lifecycle, logger, telemetry };
        return gatewayGrpc(parts, { host, port: grpcPort, tls: grpcTls });
      },
      inject: [Admissions, Authenticator, Subscriptions, ResumeTokens, EventIntake, RowWatches, PastModels, EventReview, ShownRows, Lifecycle, appLogger],
    },
  ];
}
