import { AggregateStore, BlobStore, Clock, EventLog, IdSource, ReadStore } from '#ports';
import { CommandExecutor } from '#runtime';
import type { DynamicModule } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessGuard } from './access/access.guard.ts';
import { Authenticator, recheckMs } from './access/authenticator.ts';
import { KeyAuthority } from './access/key-authority.ts';
import { KeyIssuer } from './access/key-issuer.ts';
import { KeysController } from './access/keys.controller.ts';
import { CdnController } from './cdn/cdn.controller.ts';
import { CdnReader } from './cdn/cdn-reader.ts';
import { EventsController } from './events/events.controller.ts';
import { LiveFeeds, type LiveFeedsInit } from './events/live-feeds.ts';
import type { GatewaySettings } from './gateway.config.ts';
import { DocsController } from './openapi/docs.controller.ts';
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
  readonly clock: Clock;
  readonly ids: IdSource;
}

export const liveFeedDefaults: LiveFeedsInit = { feedsMax: 1_000, heartbeatMs: 10_000, stallMs: 10_000, recheckMs };

class GatewayRoot {}

/** The only wiring of the gateway. */
export function gatewayModule(engines: GatewayEngines, settings: GatewaySettings, feeds: LiveFeedsInit = liveFeedDefaults): DynamicModule {
  const { clock, ids } = engines;
  const urls = new PublicUrls({ edgeUrl: settings.publicEdgeUrl, ingestPrimaryUrl: settings.ingestPrimaryUrl, ingestBackupUrl: settings.ingestBackupUrl });
  return {
    module: GatewayRoot,
    controllers: [StreamsController, CdnController, EventsController, KeysController, OriginController, DocsController],
    providers: [
      { provide: EventLog, useValue: engines.log },
      { provide: AggregateStore, useValue: engines.aggregates },
      { provide: ReadStore, useValue: engines.reads },
      { provide: BlobStore, useValue: engines.blobs },
      { provide: Clock, useValue: clock },
      { provide: PublicUrls, useValue: urls },
      { provide: CommandExecutor, useValue: new CommandExecutor({ aggregates: engines.aggregates, clock, ids, source: `/gateway/${settings.node}` }) },
      { provide: KeyAuthority, useFactory: (aggregates: AggregateStore, now: Clock) => new KeyAuthority(aggregates, now), inject: [AggregateStore, Clock] },
      { provide: Authenticator, useFactory: (keys: KeyAuthority) => new Authenticator(keys), inject: [KeyAuthority] },
      { provide: KeyIssuer, useFactory: (commands: CommandExecutor) => new KeyIssuer(commands), inject: [CommandExecutor] },
      { provide: StreamCommands, useFactory: (commands: CommandExecutor) => new StreamCommands(commands), inject: [CommandExecutor] },
      {
        provide: StreamReader,
        useFactory: (reads: ReadStore, aggregates: AggregateStore) => new StreamReader(reads, aggregates),
        inject: [ReadStore, AggregateStore],
      },
      {
        provide: PlaylistReader,
        useFactory: (streams: StreamReader, reads: ReadStore) => new PlaylistReader(streams, reads),
        inject: [StreamReader, ReadStore],
      },
      {
        provide: CdnReader,
        useFactory: (reads: ReadStore, aggregates: AggregateStore, now: Clock) => new CdnReader(reads, aggregates, now),
        inject: [ReadStore, AggregateStore, Clock],
      },
      {
        provide: LiveFeeds,
        useFactory: (log: EventLog, authenticator: Authenticator) => new LiveFeeds(log, authenticator, feeds),
        inject: [EventLog, Authenticator],
      },
      { provide: APP_GUARD, useClass: AccessGuard },
    ],
  };
}
