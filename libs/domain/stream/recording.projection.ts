import { catalogue, recordingFailed, recordingFinished, type DomainEvent } from '#events';
import type { ColumnSpec, Projection, RowChange, TableSpec } from '#kernel';

const ofRound = (type: ColumnSpec['type']): ColumnSpec => ({ type, join: 'lww', stamp: 'round' });

/** One row per stopped stream that was made into one file, or could not be. */
export const recordingTable: TableSpec = {
  name: 'recording',
  key: { stream_id: 'text' },
  columns: {
    tenant: { type: 'text', join: 'once' },
    status: ofRound('text'),
    reason: ofRound('text'),
    mp4_cid: ofRound('text'),
    mp4_bytes: ofRound('bigint'),
    poster_cid: ofRound('text'),
    poster_bytes: ofRound('bigint'),
    duration_ms: ofRound('bigint'),
    width: ofRound('integer'),
    height: ofRound('integer'),
    video_codec: ofRound('text'),
    audio_codec: ofRound('text'),
    renditions: ofRound('json'),
    segments: ofRound('integer'),
    at_ms: ofRound('bigint'),
  },
  indexes: [['tenant', 'at_ms']],
};

const nothing = {
  ...{ mp4_cid: null, mp4_bytes: null, poster_cid: null, poster_bytes: null, duration_ms: null, width: null, height: null },
  ...{ video_codec: null, audio_codec: null, renditions: [], segments: null },
};

function project(event: DomainEvent): readonly RowChange[] {
  const change = (set: RowChange['set'], streamId: string, round: number): readonly RowChange[] => [
    {
      table: recordingTable.name,
      key: { stream_id: streamId },
      set: { tenant: event.tenant, ...nothing, ...set, at_ms: BigInt(event.time) },
      stamps: { round: BigInt(round) },
    },
  ];
  switch (event.type) {
    case recordingFinished.type: {
      const { data } = event;
      const files = { mp4_cid: data.mp4Cid, mp4_bytes: BigInt(data.mp4Bytes), poster_cid: data.posterCid, poster_bytes: BigInt(data.posterBytes) };
      const media = {
        duration_ms: BigInt(data.durationMs),
        width: data.width,
        height: data.height,
        video_codec: data.videoCodec,
        audio_codec: data.audioCodec,
      };
      const made = { renditions: data.renditions, segments: data.segments };
      return change({ status: 'finished', reason: null, ...files, ...media, ...made }, data.streamId, data.round);
    }
    case recordingFailed.type:
      return change({ status: 'failed', reason: `${event.data.reason}: ${event.data.detail}` }, event.data.streamId, event.data.round);
    default:
      return [];
  }
}

const handles: readonly string[] = [recordingFinished.type, recordingFailed.type];

/** What stopped streams were made into. */
export const recordingsProjection: Projection<DomainEvent> = {
  name: 'recordings',
  version: 1,
  contexts: ['stream'],
  handles,
  ignores: catalogue.filter(({ context, type }) => context === 'stream' && !handles.includes(type)).map(({ type }) => type),
  tables: [recordingTable],
  project,
};
