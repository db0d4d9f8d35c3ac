import { AggregateStore, BlobStore, Clock, EventLog, IdSource, ReadStore, type RateLimiter, type SecretStore } from '#ports';
import { appLogger, CommandExecutor, Lifecycle, type Logger, type Telemetry } from '#runtime';
import type { DynamicModule } from '@nestjs/common';
import { APP_GUARD, HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { AccessGuard } from './access/access.guard.ts';
import { accessProviders } from './access/access-providers.ts';
import { Admissions } from './access/admissions.ts';
import { Authenticator, recheckMs } from './access/authenticator.ts';
import { KeysController } from './access/keys.controller.ts';
import { TenantsController } from './access/tenants.controller.ts';
import { CdnController } from './cdn/cdn.controller.ts';
import { CdnReader } from './cdn/cdn-reader.ts';
import { PurgeTargets } from './cdn/purge-targets.ts';
import { EventSockets } from './events/event-sockets.ts';
import { EventsController } from './events/events.controller.ts';
import { ResumeTokens } from './events/resume-token.codec.ts';
import { Subscriptions, type SubscriptionsInit } from './events/subscriptions.ts';
import type { GatewaySettings } from './gateway.config.ts';
import { DocsController } from './openapi/docs.controller.ts';
import { gatewayGrpc } from './grpc/gateway-grpc.ts';
import { GrpcServer } from './grpc/grpc-server.ts';
import { OriginController } from './origin/origin.controller.ts';
import { PlaylistReader } from './origin/playlist-reader.ts';
import { PublicUrls } from './public-urls.ts';
import { StreamCommands } from './streams/stream-commands.ts';
import { StreamReader } from './streams/stream-reader.ts';
import { StreamsController } from './streams/streams.controller.ts';

/** What the gateway stands on. */
export interface GatewayEngines {
  readonly log: EventLog;
  readonly aggregates: AggregateStore;
  readonly reads: ReadStore;
  readonly blobs: BlobStore;
  readonly secrets: SecretStore;
  readonly limiter: RateLimiter;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly telemetry?: Telemetry;
}

export const subscriptionDefaults: SubscriptionsInit = { readersMax: 2_000, heartbeatMs: 10_000, stallMs: 10_000, checkMs: recheckMs };

/** Signs the resume tokens of all gateways. */
const tokenSecret = 'resume-tokens';

class GatewayRoot {}

function commandsOn({ aggregates, clock, ids, telemetry }: GatewayEngines, { node }: GatewaySettings): CommandExecutor {
  return new CommandExecutor({ aggregates, clock, ids, source: `/gateway/${node}`, ...(telemetry === undefined ? {} : { telemetry }) });
}

/** The only wiring of the gateway. */
export function gatewayModule(engines: GatewayEngines, settings: GatewaySettings, subscriptions: SubscriptionsInit = subscriptionDefaults): DynamicModule {
  const { clock } = engines;
  const urls = new PublicUrls({ edgeUrl: settings.publicEdgeUrl, ingestPrimaryUrl: settings.ingestPrimaryUrl, ingestBackupUrl: settings.ingestBackupUrl });
  return {
    module: GatewayRoot,
    controllers: [StreamsController, CdnController, EventsController, KeysController, TenantsController, OriginController, DocsController],
    providers: [
      { provide: EventLog, useValue: engines.log },
      { provide: AggregateStore, useValue: engines.aggregates },
      { provide: ReadStore, useValue: engines.reads },
      { provide: BlobStore, useValue: engines.blobs },
      { provide: Clock, useValue: clock },
      { provide: PublicUrls, useValue: urls },
      { provide: CommandExecutor, useValue: commandsOn(engines, settings) },
      ...accessProviders(engines, settings.jwt),
      { provide: PurgeTargets, useFactory: (streams: StreamReader) => new PurgeTargets(streams), inject: [StreamReader] },
      { provide: StreamCommands, useFactory: (commands: CommandExecutor) => new StreamCommands(commands), inject: [CommandExecutor] },
      {
        provide: StreamReader,
        useFactory: (reads: ReadStore, aggregates: AggregateStore) => new StreamReader(reads, aggregates),
        inject: [ReadStore, AggregateStore],
      },
      {
        provide: PlaylistReader,
        useFactory: (streams: StreamReader, reads: ReadStore, now: Clock) => new PlaylistReader(streams, reads, now),
        inject: [StreamReader, ReadStore, Clock],
      },
      {
        provide: CdnReader,
        useFactory: (reads: ReadStore, aggregates: AggregateStore, now: Clock) => new CdnReader(reads, aggregates, now),
        inject: [ReadStore, AggregateStore, Clock],
      },
      { provide: ResumeTokens, useFactory: async () => new ResumeTokens(await engines.secrets.secret(tokenSecret)) },
      {
        provide: Subscriptions,
        useFactory: (log: EventLog, tokens: ResumeTokens) => new Subscriptions(log, tokens, subscriptions, engines.telemetry),
        inject: [EventLog, ResumeTokens],
      },
      {
        provide: EventSockets,
        useFactory: (
          host: HttpAdapterHost,
          served: Subscriptions,
          tokens: ResumeTokens,
          admissions: Admissions,
          authenticator: Authenticator,
          { stopping }: Lifecycle,
        ) => {
          const sockets = new EventSockets({ subscriptions: served, tokens, admissions, authenticator, stopping });
          sockets.attach(host.httpAdapter.getInstance<FastifyInstance>().server);
          return sockets;
        },
        inject: [HttpAdapterHost, Subscriptions, ResumeTokens, Admissions, Authenticator, Lifecycle],
      },
      {
        provide: GrpcServer,
        useFactory: (admissions: Admissions, authenticator: Authenticator, served: Subscriptions, tokens: ResumeTokens, lifecycle: Lifecycle, logger: Logger) =>
          gatewayGrpc(
            { admissions, authenticator, subscriptions: served, tokens, ids: engines.ids, lifecycle, logger },
            { host: settings.host, port: settings.grpcPort, tls: settings.grpcTls },
          ),
        inject: [Admissions, Authenticator, Subscriptions, ResumeTokens, Lifecycle, appLogger],
      },
      { provide: APP_GUARD, useClass: AccessGuard },
    ],
  };
}
