import { KeysController } from './access/keys.controller.ts';
import { RefusalsController } from './access/refusals.controller.ts';
import { TenantsController } from './access/tenants.controller.ts';
import { CatalogueController } from './catalogue/catalogue.controller.ts';
import { CdnController } from './cdn/cdn.controller.ts';
import { PrefetchModelsController } from './cdn/prefetch-models.controller.ts';
import { WarmController } from './cdn/warm.controller.ts';
import { EdgesController } from './cdn/edges.controller.ts';
import { ContentsController } from './contents/contents.controller.ts';
import { EffectsController } from './effects/effects.controller.ts';
import { EventsController } from './events/events.controller.ts';
import { LedgerController } from './ledger/ledger.controller.ts';
import { TlogController } from './ledger/tlog.controller.ts';
import { DocsController } from './openapi/docs.controller.ts';
import { OriginController } from './origin/origin.controller.ts';
import { TsController } from './origin/ts.controller.ts';
import { ParkedController } from './parked/parked.controller.ts';
import { PlaybacksController } from './playbacks/playbacks.controller.ts';
import { ProgrammeController } from './programme/programme.controller.ts';
import { ProfilesController } from './profiles/profiles.controller.ts';
import { PublishController } from './publish/publish.controller.ts';
import { ReplaysController } from './replays/replays.controller.ts';
import { RetentionController } from './retention/retention.controller.ts';
import { ReviewController } from './review/review.controller.ts';
import { SandboxRowsController } from './sandboxes/sandbox-rows.controller.ts';
import { SandboxesController } from './sandboxes/sandboxes.controller.ts';
import { StreamHealthController } from './streams/stream-health.controller.ts';
import { StreamsController } from './streams/streams.controller.ts';
import { SubjectsController } from './subjects/subjects.controller.ts';
import { TrafficController } from './traffic/traffic.controller.ts';
import { RowsController } from './watch/rows.controller.ts';
import { WatchController } from './watch/watch.controller.ts';
import { WebhooksController } from './webhooks/webhooks.controller.ts';
import { ChangedController } from './zones/changed.controller.ts';
import { OriginPurgesController } from './zones/origin-purges.controller.ts';
import { PurgePolicyController } from './zones/purge-policy.controller.ts';
import { ZonesController } from './zones/zones.controller.ts';

/** All of REST. */
export const controllers = [
  StreamsController,
  StreamHealthController,
  ProfilesController,
  ProgrammeController,
  CdnController,
  WarmController,
  PrefetchModelsController,
  EdgesController,
  ZonesController,
  PurgePolicyController,
  TrafficController,
  ChangedController,
  OriginPurgesController,
  PublishController,
  EventsController,
  ReviewController,
  CatalogueController,
  ContentsController,
  RowsController,
  WatchController,
  PlaybacksController,
  ParkedController,
  ReplaysController,
  RetentionController,
  SandboxesController,
  SandboxRowsController,
  WebhooksController,
  EffectsController,
  KeysController,
  TenantsController,
  RefusalsController,
  SubjectsController,
  OriginController,
  TsController,
  LedgerController,
  TlogController,
  DocsController,
];
