import {
  accessRefused,
  keyIssued,
  keyRevoked,
  keyRotated,
  tenantCreated,
  tenantResumed,
  tenantSuspended,
  type AccessEventDefinition,
} from './access.events.ts';
import { encodingAdapted, type AdaptationEventDefinition } from './adaptation.events.ts';
import { purgeApplied, purgeCounted, purgeCountRequested, purgeRequested, warmFinished, warmRequested, type CacheEventDefinition } from './cache.events.ts';
import { contentChanged, contentPublished, contentWithdrawn, type ContentEventDefinition } from './content.events.ts';
import { streamCueRefused, type CueEventDefinition } from './cue.events.ts';
import type { EventDefinition } from './define.ts';
import { edgeAudienceReported, edgeRegistered, edgeReported, type EdgeEventDefinition } from './edge.events.ts';
import { effectAbandoned, effectFailed, effectRetryRequested, effectSucceeded, reactorReset, type EffectEventDefinition } from './effect.events.ts';
import { encodingProfileConfigured, encodingProfileRemoved, type EncodingProfileEventDefinition } from './encoding-profile.events.ts';
import type { EventEnvelope } from './envelope.ts';
import { failoverRequested, failoverSwitched, publisherJoined, publisherLeft, type FailoverEventDefinition } from './failover.events.ts';
import { streamAlertCleared, streamAlertRaised, streamMeasured, thumbnailsProduced, type ObservationEventDefinition } from './observation.events.ts';
import { edgeAdmitted, edgeDrained, edgeRemoved, edgeResumed, edgeScaleAdvised, type FleetEventDefinition } from './fleet.events.ts';
import { eventParked, ledgerBegunAnew, ledgerKeyRotated, type OperationEventDefinition } from './operation.events.ts';
import {
  parkedDiscarded,
  parkedDiscardRequested,
  parkedRedriven,
  parkedRetryFailed,
  parkedRetryRequested,
  type ParkedEventDefinition,
} from './parked.events.ts';
import { playbackEnded, playbackReported, playbackStarted, type PlaybackEventDefinition } from './playback.events.ts';
import { clipFailed, clipFinished, clipRequested, streamMarked, type ProgrammeEventDefinition } from './programme.events.ts';
import { prefetchModelPublished, type PrefetchEventDefinition } from './prefetch.events.ts';
import {
  projectionPromoted,
  projectionRolledBack,
  replayCancelled,
  replayCompared,
  replayCompleted,
  replayFailed,
  replayPaused,
  replayPromotionRequested,
  replayRequested,
  replayResumed,
  replayRollbackRefused,
  replayRollbackRequested,
  replayStarted,
  type ReplayEventDefinition,
} from './replay.events.ts';
import { logPastRemoved, logSealingEnded, logSealingFailed, logSealingRequested, logSegmentSealed, type RetentionEventDefinition } from './retention.events.ts';
import { personalDataViewed, type ReviewEventDefinition } from './review.events.ts';
import { sandboxCreated, sandboxDropped, sandboxDropRequested, sandboxFailed, sandboxReady, type SandboxEventDefinition } from './sandbox.events.ts';
import { segmentProduced, type SegmentEventDefinition } from './segment.events.ts';
import {
  encodingDelayed,
  encodingEnded,
  encodingStarted,
  recordingFailed,
  recordingFinished,
  streamCreated,
  streamInterrupted,
  streamPublishRejected,
  streamStarted,
  streamStopped,
  type StreamEventDefinition,
} from './stream.events.ts';
import { streamKeyIssued, streamKeyUsed, type StreamKeyEventDefinition } from './stream-key.events.ts';
import { masterKeyGivenUp, masterKeyRotated, subjectErased, subjectExported, type SubjectEventDefinition } from './subject.events.ts';
import { popularityReported, requestsServed, trafficReported, type TrafficEventDefinition } from './traffic.events.ts';
import {
  webhookChanged,
  webhookDisabled,
  webhookRegistered,
  webhookRemoved,
  webhookSecretRotated,
  webhookTestRequested,
  type WebhookEventDefinition,
} from './webhook.events.ts';
import { purgePolicySet, zoneConfigured, zoneHostsClaimed, zoneRemoved, type ZoneEventDefinition } from './zone.events.ts';

export type AnyDefinition =
  | StreamEventDefinition
  | SegmentEventDefinition
  | CueEventDefinition
  | StreamKeyEventDefinition
  | AdaptationEventDefinition
  | FailoverEventDefinition
  | ObservationEventDefinition
  | ProgrammeEventDefinition
  | CacheEventDefinition
  | EdgeEventDefinition
  | FleetEventDefinition
  | AccessEventDefinition
  | SubjectEventDefinition
  | ContentEventDefinition
  | PlaybackEventDefinition
  | OperationEventDefinition
  | ParkedEventDefinition
  | ReplayEventDefinition
  | RetentionEventDefinition
  | ReviewEventDefinition
  | SandboxEventDefinition
  | EffectEventDefinition
  | WebhookEventDefinition
  | EncodingProfileEventDefinition
  | ZoneEventDefinition
  | TrafficEventDefinition
  | PrefetchEventDefinition;

/** Every event there is. Code, docs/EVENTS.md, JSON Schemas and topics derive from this list. */
export const catalogue: readonly AnyDefinition[] = [
  streamCreated,
  streamKeyIssued,
  streamKeyUsed,
  streamStarted,
  streamPublishRejected,
  streamInterrupted,
  publisherJoined,
  publisherLeft,
  failoverRequested,
  failoverSwitched,
  streamStopped,
  encodingStarted,
  encodingEnded,
  encodingDelayed,
  encodingAdapted,
  segmentProduced,
  recordingFinished,
  recordingFailed,
  thumbnailsProduced,
  streamMeasured,
  streamAlertRaised,
  streamAlertCleared,
  streamMarked,
  streamCueRefused,
  clipRequested,
  clipFinished,
  clipFailed,
  encodingProfileConfigured,
  encodingProfileRemoved,
  purgeRequested,
  purgeApplied,
  purgeCountRequested,
  purgeCounted,
  warmRequested,
  warmFinished,
  edgeRegistered,
  edgeReported,
  edgeAudienceReported,
  edgeAdmitted,
  edgeDrained,
  edgeResumed,
  edgeRemoved,
  edgeScaleAdvised,
  keyIssued,
  keyRotated,
  keyRevoked,
  tenantCreated,
  tenantSuspended,
  tenantResumed,
  accessRefused,
  subjectErased,
  subjectExported,
  masterKeyRotated,
  masterKeyGivenUp,
  contentPublished,
  contentChanged,
  contentWithdrawn,
  playbackStarted,
  playbackReported,
  playbackEnded,
  eventParked,
  parkedRetryRequested,
  parkedDiscardRequested,
  parkedRedriven,
  parkedRetryFailed,
  parkedDiscarded,
  ledgerKeyRotated,
  ledgerBegunAnew,
  replayRequested,
  replayStarted,
  replayPaused,
  replayResumed,
  replayCancelled,
  replayCompleted,
  replayFailed,
  replayCompared,
  replayPromotionRequested,
  projectionPromoted,
  replayRollbackRequested,
  replayRollbackRefused,
  sandboxCreated,
  sandboxReady,
  sandboxFailed,
  sandboxDropRequested,
  sandboxDropped,
  projectionRolledBack,
  logSegmentSealed,
  logSealingFailed,
  logPastRemoved,
  logSealingRequested,
  logSealingEnded,
  personalDataViewed,
  effectSucceeded,
  effectFailed,
  effectAbandoned,
  effectRetryRequested,
  reactorReset,
  webhookRegistered,
  webhookChanged,
  webhookSecretRotated,
  webhookDisabled,
  webhookTestRequested,
  webhookRemoved,
  zoneConfigured,
  zoneRemoved,
  zoneHostsClaimed,
  purgePolicySet,
  requestsServed,
  trafficReported,
  popularityReported,
  prefetchModelPublished,
];

/** The envelope type of a definition: `EventOf<typeof streamCreated>`. */
export type EventOf<Definition> = Definition extends EventDefinition<infer Type, infer Data> ? EventEnvelope<Type, Data> : never;

/** The closed union of all events, as decoded: the newest version of each. */
export type DomainEvent = EventOf<AnyDefinition>;
export type StreamEvent = EventOf<
  | StreamEventDefinition
  | StreamKeyEventDefinition
  | AdaptationEventDefinition
  | FailoverEventDefinition
  | ObservationEventDefinition
  | ProgrammeEventDefinition
  | EncodingProfileEventDefinition
>;
export type CacheEvent = EventOf<CacheEventDefinition>;
export type EdgeEvent = EventOf<EdgeEventDefinition>;
export type AccessEvent = EventOf<AccessEventDefinition | SubjectEventDefinition>;
export type ContentEvent = EventOf<ContentEventDefinition>;
export type PlaybackEvent = EventOf<PlaybackEventDefinition>;
export type OperationEvent = EventOf<
  | OperationEventDefinition
  | ParkedEventDefinition
  | ReplayEventDefinition
  | ReviewEventDefinition
  | SandboxEventDefinition
  | EffectEventDefinition
  | WebhookEventDefinition
>;

const byType = new Map<string, EventDefinition>(catalogue.map((definition) => [definition.type, definition as EventDefinition]));

/** The definition of a type, or undefined for a type that the catalogue does not know. */
export function definitionOf(type: string): EventDefinition | undefined {
  return byType.get(type);
}
