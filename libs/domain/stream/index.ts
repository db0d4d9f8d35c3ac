export {
  audioTracksMax,
  defaultAudioBitrate,
  defaultDvrWindowMs,
  defaultGraceMs,
  defaultLadder,
  defaultSegmentDurationMs,
  dvrWindowMsMax,
  dvrWindowMsMin,
  graceMsMax,
  rungsMax,
  settingsProblem,
  sourceRung,
  type AudioTrackSetting,
  type Rung,
  type SettingProblem,
  type StreamSettings,
} from './ladder.core.ts';
export {
  defaultProfileName,
  encodingProfileAggregate,
  encodingProfileDecider,
  type EncodingProfile,
  type EncodingProfileCommand,
  type EncodingProfileState,
  type KnownEncodingProfile,
} from './encoding-profile.decider.ts';
export { encodingProfilesProjection, encodingProfileTable } from './encoding-profile.projection.ts';
export { StreamAlerts, type AlertChange, type AlertKind, type StreamFigures } from './alert.policy.ts';
export { clipMake, clipsReactor } from './clips-reactor.ts';
export { streamDetailsProjection } from './detail.projection.ts';
export { clipTable, streamAlertTable, streamMarkerTable, streamSampleTable, thumbnailTable } from './detail.tables.ts';
export { clipMsMax, clipSubject, markerSubject, orderAggregate, type Mark, type MarkerTold, type OrderState, type RequestClip } from './order.decider.ts';
export { recordingsProjection, recordingTable } from './recording.projection.ts';
export { recordingFinish, recordingsReactor } from './recordings-reactor.ts';
export { isComplete, lastSegmentsMsMax, type StreamEnd } from './recording.core.ts';
export { base32Of, formatStreamKey, isStreamId, parseStreamKey, streamIdOf, type StreamKey } from './stream-key.codec.ts';
export type { CreateStream, Interrupt, IssueKey, RejectPublish, StartPublishing, Stop, StreamCommand, SwitchPublisher } from './stream.commands.ts';
export type { InterruptReason, RejectReason, StopReason } from './reasons.ts';
export { streamAggregate, streamDecider, type StreamDraft } from './stream.decider.ts';
export { streamContextAggregate } from './stream-aggregates.ts';
export { LimitBook, type TenantLimits } from './tenant-limits.core.ts';
export { streamsProjection } from './stream.projection.ts';
export {
  lastEpoch,
  publishersOf,
  publishLeaseName,
  type Endpoint,
  type PublisherSession,
  type StreamIdentity,
  type StreamState,
  type StreamStatus,
} from './stream.state.ts';
export { renditionTable, segmentTable, sessionTable, streamTable } from './stream.tables.ts';
