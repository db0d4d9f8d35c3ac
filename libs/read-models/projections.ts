import { keysProjection, subjectsProjection } from '#domain/access';
import { purgesProjection, warmsProjection } from '#domain/cache';
import { contentsProjection } from '#domain/content';
import {
  audiencesProjection,
  browsingProjection,
  edgesProjection,
  fleetProjection,
  prefetchModelsProjection,
  trafficProjection,
  zonesProjection,
} from '#domain/edge';
import {
  effectsProjection,
  ledgerKeysProjection,
  parkedEventsProjection,
  personalViewsProjection,
  replaysProjection,
  retentionProjection,
  sandboxesProjection,
  webhooksProjection,
} from '#domain/operation';
import { playbacksProjection } from '#domain/playback';
import { encodingProfilesProjection, recordingsProjection, streamDetailsProjection, streamsProjection } from '#domain/stream';
import type { DomainEvent } from '#events';
import type { Projection } from '#kernel';

/** Every read model of the platform: what projectors keep, the gateway shows, and events can be tried on. */
export const projections: readonly Projection<DomainEvent>[] = [
  streamsProjection,
  purgesProjection,
  warmsProjection,
  edgesProjection,
  keysProjection,
  contentsProjection,
  playbacksProjection,
  parkedEventsProjection,
  replaysProjection,
  ledgerKeysProjection,
  subjectsProjection,
  retentionProjection,
  personalViewsProjection,
  sandboxesProjection,
  effectsProjection,
  webhooksProjection,
  recordingsProjection,
  streamDetailsProjection,
  audiencesProjection,
  encodingProfilesProjection,
  zonesProjection,
  trafficProjection,
  fleetProjection,
  browsingProjection,
  prefetchModelsProjection,
];
