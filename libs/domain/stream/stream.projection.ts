import {
  encodingAdapted,
  encodingDelayed,
  encodingEnded,
  encodingStarted,
  failoverRequested,
  failoverSwitched,
  publisherJoined,
  publisherLeft,
  recordingFailed,
  recordingFinished,
  segmentProduced,
  streamCreated,
  streamInterrupted,
  streamKeyIssued,
  streamKeyUsed,
  streamPublishRejected,
  streamStarted,
  streamStopped,
  type DomainEvent,
  type EventOf,
} from '#events';
import type { Projection, RowChange } from '#kernel';
import { detailTypes } from './detail.projection.ts';
import { encodingProfileTypes } from './encoding-profile.projection.ts';
import { renditionTable, segmentTable, sessionTable, streamTable } from './stream.tables.ts';
import type { StreamStatus } from './stream.state.ts';

/** Room for this many facts per subject within one epoch of its producer. */
const factsPerEpoch = 1n << 32n;

/** Orders the facts of one subject over all its owners: by fencing epoch, then by sequence. */
function factStamp(event: DomainEvent): bigint {
  return event.producerEpoch * factsPerEpoch + event.streamVersion;
}

/** Sets the whole stamp group at once: columns that were left out would keep what another order of events gave them. */
function lifecycle(event: DomainEvent, streamId: string, status: StreamStatus, sessionId: string | null, reason: string | null): RowChange {
  return {
    table: streamTable.name,
    key: { stream_id: streamId },
    set: { status, session_id: sessionId, status_reason: reason, status_at_ms: BigInt(event.time) },
    stamps: { lifecycle: event.streamVersion },
  };
}

function created(event: EventOf<typeof streamCreated>): readonly RowChange[] {
  const { data } = event;
  const change = lifecycle(event, data.streamId, 'created', null, null);
  const once = {
    name: data.name,
    tenant: event.tenant,
    created_at_ms: BigInt(event.time),
    created_by: event.actor,
    ladder: data.ladder,
    audio_bitrate: data.audioBitrate,
    segment_duration_ms: data.segmentDurationMs,
    grace_ms: BigInt(data.graceMs),
    dvr_window_ms: data.dvrWindowMs,
    low_latency: data.lowLatency ?? true,
    unlisted: data.unlisted ?? false,
    audio_tracks: data.audioTracks ?? [],
  };
  return [{ ...change, set: { ...change.set, ...once } }];
}

function started(event: EventOf<typeof streamStarted>): readonly RowChange[] {
  const { streamId, sessionId } = event.data;
  const change = lifecycle(event, streamId, 'live', sessionId, null);
  return [{ ...change, set: { ...change.set, first_live_at_ms: BigInt(event.time) } }, sessionBegan(event)];
}

function sessionBegan(event: EventOf<typeof streamStarted> | EventOf<typeof publisherJoined>): RowChange {
  const { streamId, sessionId, epoch, endpoint, node, remoteAddress } = event.data;
  const set = { started_at_ms: BigInt(event.time), epoch: BigInt(epoch), endpoint, node, remote_address: remoteAddress };
  return { table: sessionTable.name, key: { stream_id: streamId, session_id: sessionId }, set };
}

function sessionEnded(event: EventOf<typeof streamInterrupted> | EventOf<typeof publisherLeft>): RowChange {
  const { streamId, sessionId, reason, detail } = event.data;
  const set = { ended_at_ms: BigInt(event.time), end_reason: reason, end_detail: detail };
  return { table: sessionTable.name, key: { stream_id: streamId, session_id: sessionId }, set };
}

function interrupted(event: EventOf<typeof streamInterrupted>): readonly RowChange[] {
  const { streamId, sessionId, reason } = event.data;
  return [lifecycle(event, streamId, 'interrupted', sessionId, reason), sessionEnded(event)];
}

function requested(event: EventOf<typeof failoverRequested>): readonly RowChange[] {
  const { streamId, to } = event.data;
  return [{ table: streamTable.name, key: { stream_id: streamId }, set: { preferred_endpoint: to }, stamps: { preference: event.streamVersion } }];
}

function switched(event: EventOf<typeof failoverSwitched>): readonly RowChange[] {
  const { streamId, toSessionId, reason } = event.data;
  const set = { active_session_id: toSessionId, switch_reason: reason, switched_at_ms: BigInt(event.time) };
  return [{ table: streamTable.name, key: { stream_id: streamId }, set, stamps: { switch: factStamp(event) } }];
}

function stopped(event: EventOf<typeof streamStopped>): readonly RowChange[] {
  return [lifecycle(event, event.data.streamId, 'stopped', null, event.data.reason)];
}

type Encoding = EventOf<typeof encodingStarted>;

function encodingChange(event: EventOf<typeof encodingStarted> | EventOf<typeof encodingEnded>, reason: string | null): RowChange {
  return {
    table: streamTable.name,
    key: { stream_id: event.data.streamId },
    set: {
      encoding_status: reason === null ? 'running' : 'ended',
      encoding_reason: reason,
      encoding_session_id: event.data.sessionId,
      encoding_epoch: BigInt(event.data.epoch),
      encoding_node: event.data.node,
      encoding_at_ms: BigInt(event.time),
    },
    stamps: { encoding: factStamp(event) },
  };
}

function renditionChange(event: Encoding, rendition: Encoding['data']['renditions'][number]): RowChange {
  return {
    table: renditionTable.name,
    key: { stream_id: event.data.streamId, name: rendition.name },
    set: {
      encoding_order: factStamp(event),
      kind: rendition.kind,
      codecs: rendition.codecs,
      bandwidth: rendition.bandwidth,
      width: rendition.width ?? null,
      height: rendition.height ?? null,
      frame_rate: rendition.frameRate ?? null,
      channels: rendition.channels ?? null,
      language: rendition.language ?? null,
      label: rendition.label ?? null,
    },
    stamps: { encoding: factStamp(event) },
  };
}

function encodingBegan(event: Encoding): readonly RowChange[] {
  const source: RowChange = {
    table: streamTable.name,
    key: { stream_id: event.data.streamId },
    set: { encoding_order: factStamp(event), encoder: event.data.encoder, source: event.data.source, live_edge_url: event.data.liveEdgeUrl ?? null },
    stamps: { source: factStamp(event) },
  };
  return [encodingChange(event, null), source, ...event.data.renditions.map((rendition) => renditionChange(event, rendition))];
}

function segment(event: EventOf<typeof segmentProduced>): readonly RowChange[] {
  const { data } = event;
  const set = {
    epoch: event.producerEpoch,
    session_id: data.sessionId,
    cid: data.cid,
    size_bytes: BigInt(data.sizeBytes),
    init_cid: data.initCid,
    init_size_bytes: BigInt(data.initSizeBytes),
    duration_us: BigInt(data.durationUs),
    start_us: BigInt(data.startUs),
    program_date_time_ms: BigInt(data.programDateTimeMs),
    discontinuity: data.discontinuity,
    produced_at_ms: BigInt(event.time),
    ...trackColumns(data),
  };
  const key = { stream_id: data.streamId, rendition: data.rendition, media_sequence: data.mediaSequence };
  const extent = { first_media_sequence: data.mediaSequence, last_media_sequence: data.mediaSequence, end_us: BigInt(data.startUs + data.durationUs) };
  return [
    { table: segmentTable.name, key, set, stamps: { producer: event.producerEpoch } },
    { table: streamTable.name, key: { stream_id: data.streamId }, set: extent },
  ];
}

function trackColumns({ track, startTicks, durationTicks, keyFrames, captions }: EventOf<typeof segmentProduced>['data']): RowChange['set'] {
  return {
    timescale: track?.timescale ?? null,
    start_ticks: startTicks === undefined ? null : BigInt(startTicks),
    duration_ticks: durationTicks === undefined ? null : BigInt(durationTicks),
    codecs: track?.codecs ?? null,
    width: track?.width ?? null,
    height: track?.height ?? null,
    sample_rate: track?.sampleRate ?? null,
    channels: track?.channels ?? null,
    key_frames: keyFrames ?? [],
    captions: captions ?? [],
  };
}

function project(event: DomainEvent): readonly RowChange[] {
  switch (event.type) {
    case streamCreated.type:
      return created(event);
    case streamStarted.type:
      return started(event);
    case streamInterrupted.type:
      return interrupted(event);
    case publisherJoined.type:
      return [sessionBegan(event)];
    case publisherLeft.type:
      return [sessionEnded(event)];
    case failoverRequested.type:
      return requested(event);
    case failoverSwitched.type:
      return switched(event);
    case streamStopped.type:
      return stopped(event);
    case encodingStarted.type:
      return encodingBegan(event);
    case encodingEnded.type:
      return [encodingChange(event, event.data.reason)];
    case segmentProduced.type:
      return segment(event);
    default:
      return [];
  }
}

/** Streams, their publishers' sessions, their renditions and every segment: what playlists and the console are rendered from. */
export const streamsProjection: Projection<DomainEvent> = {
  name: 'streams',
  version: 8,
  contexts: ['stream'],
  handles: [
    streamCreated.type,
    streamStarted.type,
    streamInterrupted.type,
    publisherJoined.type,
    publisherLeft.type,
    failoverRequested.type,
    failoverSwitched.type,
    streamStopped.type,
    encodingStarted.type,
    encodingEnded.type,
    segmentProduced.type,
    // These change no row, but somebody has to read them: what nobody reads could be broken unnoticed.
    streamPublishRejected.type,
    encodingDelayed.type,
    encodingAdapted.type,
    streamKeyIssued.type,
    streamKeyUsed.type,
  ],
  // Read models of their own have them.
  ignores: [recordingFinished.type, recordingFailed.type, ...detailTypes, ...encodingProfileTypes],
  tables: [streamTable, sessionTable, renditionTable, segmentTable],
  partitionedBy: { stream: 'stream_id', session: 'stream_id', rendition: 'stream_id', segment: 'stream_id' },
  project,
};
