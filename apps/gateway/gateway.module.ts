import { CommandExecutor } from '#runtime';
import type { DynamicModule } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessGuard } from './access/access.guard.ts';
import { accessProviders } from './access/access-providers.ts';
import { recheckMs } from './access/authenticator.ts';
import { cdnProviders } from './cdn/cdn-providers.ts';
import { controllers } from './controllers.ts';
import { engineProviders } from './engine-providers.ts';
import { eventProviders } from './events/event-providers.ts';
import type { SubscriptionsInit } from './events/subscriptions.ts';
import type { GatewayEngines } from './gateway-engines.ts';
import type { GatewaySettings } from './gateway.config.ts';
import { grpcProviders } from './grpc/grpc-providers.ts';
import { lowLatencyProviders } from './low-latency/low-latency-providers.ts';
import { ledgerProviders } from './ledger/ledger-providers.ts';
import { pastProviders } from './past/past-providers.ts';
import { ParkedReader } from './parked/parked-reader.ts';
import { PublicUrls } from './public-urls.ts';
import { publishProviders } from './publish/publish-providers.ts';
import { ReplayReader } from './replays/replay-reader.ts';
import { sandboxProviders } from './sandboxes/sandbox-providers.ts';
import { subjectProviders } from './subjects/subject-providers.ts';
import { retentionProviders } from './retention/retention-providers.ts';
import { reviewProviders } from './review/review-providers.ts';
import { streamProviders } from './streams/stream-providers.ts';
import { webhookProviders } from './webhooks/webhook-providers.ts';
import { zoneProviders } from './zones/zone-providers.ts';

export const subscriptionDefaults: SubscriptionsInit = { readersMax: 2_000, heartbeatMs: 10_000, stallMs: 10_000, checkMs: recheckMs };

class GatewayRoot {}

function commandsOn({ aggregates, clock, ids, personal, telemetry }: GatewayEngines, { node }: GatewaySettings): CommandExecutor {
  return new CommandExecutor({ aggregates, clock, ids, source: `/gateway/${node}`, personal, ...(telemetry === undefined ? {} : { telemetry }) });
}

/** The only wiring of the gateway: each feature brings its own providers. */
export function gatewayModule(engines: GatewayEngines, settings: GatewaySettings, subscriptions: SubscriptionsInit = subscriptionDefaults): DynamicModule {
  const urls = new PublicUrls({ edgeUrl: settings.publicEdgeUrl, ingest: settings.ingest });
  return {
    module: GatewayRoot,
    controllers,
    providers: [
      ...engineProviders(engines),
      { provide: PublicUrls, useValue: urls },
      { provide: CommandExecutor, useValue: commandsOn(engines, settings) },
      ...accessProviders(engines, settings.jwt),
      ...streamProviders(settings),
      ...lowLatencyProviders,
      ...cdnProviders(engines, { keysRequired: settings.edgeKeysRequired, secret: settings.edgeSecret }),
      ...zoneProviders(engines.secrets, settings),
      ...publishProviders(engines, settings.node),
      ...eventProviders(engines, subscriptions),
      ...subjectProviders(engines, settings),
      ...reviewProviders(engines),
      ...ledgerProviders(engines, settings.ledgerKeyFile),
      ...pastProviders(engines),
      { provide: ParkedReader, useValue: new ParkedReader(engines) },
      ...sandboxProviders(engines, settings.sandboxes),
      { provide: ReplayReader, useValue: new ReplayReader(engines) },
      ...retentionProviders(engines),
      ...webhookProviders(engines, settings.webhookPrivateAddresses),
      ...grpcProviders(engines, settings),
      { provide: APP_GUARD, useClass: AccessGuard },
    ],
  };
}
