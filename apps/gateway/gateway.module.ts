import {
  AggregateStore,
  BlobStore,
  Clock,
  EventLog,
  IdSource,
  ReadStore,
  type LedgerStore,
  type LeaseStore,
  type ProjectionBuilds,
  type PublicationStore,
  type RateLimiter,
  type SecretStore,
} from '#ports';
import { appLogger, CommandExecutor, EventIntake, Lifecycle, LogEventIntake, observeIntake, type Logger, type Telemetry } from '#runtime';
import type { DynamicModule, Provider } from '@nestjs/common';
import { APP_GUARD, HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { AccessGuard } from './access/access.guard.ts';
import { accessProviders } from './access/access-providers.ts';
import { Admissions } from './access/admissions.ts';
import { Authenticator, recheckMs } from './access/authenticator.ts';
import { KeysController } from './access/keys.controller.ts';
import { RefusalsController } from './access/refusals.controller.ts';
import { TenantsController } from './access/tenants.controller.ts';
import { CatalogueController } from './catalogue/catalogue.controller.ts';
import { CdnController } from './cdn/cdn.controller.ts';
import { CdnReader } from './cdn/cdn-reader.ts';
import { PurgeTargets } from './cdn/purge-targets.ts';
import { ContentsController } from './contents/contents.controller.ts';
import { EventSockets } from './events/event-sockets.ts';
import { EventsController } from './events/events.controller.ts';
import { ResumeTokens } from './events/resume-token.codec.ts';
import { Subscriptions, type SubscriptionsInit } from './events/subscriptions.ts';
import type { GatewaySettings } from './gateway.config.ts';
import { DocsController } from './openapi/docs.controller.ts';
import { gatewayGrpc } from './grpc/gateway-grpc.ts';
import { GrpcServer } from './grpc/grpc-server.ts';
import { LedgerController } from './ledger/ledger.controller.ts';
import { LedgerKeys } from './ledger/ledger-keys.ts';
import { LedgerReader } from './ledger/ledger-reader.ts';
import { TlogController } from './ledger/tlog.controller.ts';
import { OriginController } from './origin/origin.controller.ts';
import { PlaylistReader } from './origin/playlist-reader.ts';
import { PublicUrls } from './public-urls.ts';
import { ParkedController } from './parked/parked.controller.ts';
import { PlaybacksController } from './playbacks/playbacks.controller.ts';
import { PublishController } from './publish/publish.controller.ts';
import { ReplayReader } from './replays/replay-reader.ts';
import { ReplaysController } from './replays/replays.controller.ts';
import { StreamCommands } from './streams/stream-commands.ts';
import { StreamReader } from './streams/stream-reader.ts';
import { StreamsController } from './streams/streams.controller.ts';
import { RowWatches } from './watch/row-watches.ts';
import { WatchController } from './watch/watch.controller.ts';

/** What the gateway stands on. */
export interface GatewayEngines {
  readonly log: EventLog;
  readonly aggregates: AggregateStore;
  readonly reads: ReadStore;
  readonly blobs: BlobStore;
  readonly secrets: SecretStore;
  readonly limiter: RateLimiter;
  readonly publications: PublicationStore;
  readonly leases: LeaseStore;
  readonly ledger: LedgerStore;
  readonly builds: ProjectionBuilds;
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

/** The door for events; what it has taken in when the process ends is written first. */
function intakeOn({ log, publications, leases, clock, ids, telemetry }: GatewayEngines, node: string, lifecycle: Lifecycle, logger: Logger): EventIntake {
  const intake = new LogEventIntake({ owner: `${node}/gateway/${ids.next()}` }, { log, publications, leases, clock, logger });
  intake.start();
  lifecycle.onStop('work', 'intake', () => intake.stop());
  return telemetry === undefined ? intake : observeIntake(intake, telemetry);
}

const controllers = [
  StreamsController,
  CdnController,
  PublishController,
  EventsController,
  CatalogueController,
  ContentsController,
  WatchController,
  PlaybacksController,
  ParkedController,
  ReplaysController,
  KeysController,
  TenantsController,
  RefusalsController,
  OriginController,
  LedgerController,
  TlogController,
  DocsController,
];

/** Who reads the read models. */
const readers: Provider[] = [
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
];

/** gRPC stands on the same parts as REST. */
function grpcProvider({ reads, ids, telemetry }: GatewayEngines, { host, grpcPort, grpcTls }: GatewaySettings): Provider {
  return {
    provide: GrpcServer,
    useFactory: (
      admissions: Admissions,
      authenticator: Authenticator,
      subscriptions: Subscriptions,
      tokens: ResumeTokens,
      intake: EventIntake,
      watches: RowWatches,
      lifecycle: Lifecycle,
      logger: Logger,
    ) => {
      const parts = { admissions, authenticator, subscriptions, tokens, intake, watches, reads, ids, lifecycle, logger, telemetry };
      return gatewayGrpc(parts, { host, port: grpcPort, tls: grpcTls });
    },
    inject: [Admissions, Authenticator, Subscriptions, ResumeTokens, EventIntake, RowWatches, Lifecycle, appLogger],
  };
}

/** The only wiring of the gateway. */
export function gatewayModule(engines: GatewayEngines, settings: GatewaySettings, subscriptions: SubscriptionsInit = subscriptionDefaults): DynamicModule {
  const { clock } = engines;
  const urls = new PublicUrls({ edgeUrl: settings.publicEdgeUrl, ingestPrimaryUrl: settings.ingestPrimaryUrl, ingestBackupUrl: settings.ingestBackupUrl });
  return {
    module: GatewayRoot,
    controllers,
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
      ...readers,
      {
        provide: LedgerKeys,
        useFactory: (commands: CommandExecutor) => new LedgerKeys(settings.ledgerKeyFile !== undefined, { commands, store: engines.ledger }),
        inject: [CommandExecutor],
      },
      { provide: LedgerReader, useValue: new LedgerReader(engines.ledger, engines.log, () => clock.now()) },
      { provide: ReplayReader, useValue: new ReplayReader(engines) },
      { provide: ResumeTokens, useFactory: async () => new ResumeTokens(await engines.secrets.secret(tokenSecret)) },
      {
        provide: Subscriptions,
        useFactory: (log: EventLog, tokens: ResumeTokens) => new Subscriptions(log, tokens, subscriptions, engines.telemetry),
        inject: [EventLog, ResumeTokens],
      },
      {
        provide: RowWatches,
        useFactory: (served: Subscriptions, tokens: ResumeTokens, { stopping }: Lifecycle) =>
          new RowWatches({ reads: engines.reads, subscriptions: served, tokens, stopping }),
        inject: [Subscriptions, ResumeTokens, Lifecycle],
      },
      {
        provide: EventSockets,
        useFactory: (
          host: HttpAdapterHost,
          served: Subscriptions,
          watches: RowWatches,
          tokens: ResumeTokens,
          admissions: Admissions,
          authenticator: Authenticator,
          { stopping }: Lifecycle,
        ) => {
          const sockets = new EventSockets({ subscriptions: served, watches, tokens, admissions, authenticator, stopping });
          sockets.attach(host.httpAdapter.getInstance<FastifyInstance>().server);
          return sockets;
        },
        inject: [HttpAdapterHost, Subscriptions, RowWatches, ResumeTokens, Admissions, Authenticator, Lifecycle],
      },
      grpcProvider(engines, settings),
      {
        provide: EventIntake,
        useFactory: (lifecycle: Lifecycle, logger: Logger) => intakeOn(engines, settings.node, lifecycle, logger),
        inject: [Lifecycle, appLogger],
      },
      { provide: APP_GUARD, useClass: AccessGuard },
    ],
  };
}
