import type { ColumnSpec, ColumnType, TableSpec } from '#kernel';

function once(type: ColumnType): ColumnSpec {
  return { type, join: 'once' };
}

function lww(type: ColumnType, stamp: string): ColumnSpec {
  return { type, join: 'lww', stamp };
}

/**
 * One row per stream. A row whose `created_at_ms` is null is not a stream yet: its facts came before its creation.
 * Stamps: `lifecycle`, `preference` = version of the stream's aggregate, `encoding`, `source`, `switch` = packager's epoch and sequence.
 */
export const streamTable: TableSpec = {
  name: 'stream',
  key: { stream_id: 'text' },
  columns: {
    name: once('text'),
    tenant: once('text'),
    created_at_ms: once('bigint'),
    created_by: once('text'),
    ladder: once('json'),
    audio_bitrate: once('integer'),
    segment_duration_ms: once('integer'),
    grace_ms: once('bigint'),
    dvr_window_ms: once('integer'),
    low_latency: once('boolean'),
    unlisted: once('boolean'),
    /** What the publisher's tracks of sound are: `{ track, language, label }`. */
    audio_tracks: once('json'),
    first_live_at_ms: { type: 'bigint', join: 'min' },
    status: lww('text', 'lifecycle'),
    session_id: lww('text', 'lifecycle'),
    status_reason: lww('text', 'lifecycle'),
    status_at_ms: lww('bigint', 'lifecycle'),
    preferred_endpoint: lww('text', 'preference'),
    /** The publisher that a packager went over to last; of one publisher alone there is nothing to tell. */
    active_session_id: lww('text', 'switch'),
    switch_reason: lww('text', 'switch'),
    switched_at_ms: lww('bigint', 'switch'),
    encoding_status: lww('text', 'encoding'),
    encoding_reason: lww('text', 'encoding'),
    encoding_session_id: lww('text', 'encoding'),
    encoding_epoch: lww('bigint', 'encoding'),
    encoding_node: lww('text', 'encoding'),
    encoding_at_ms: lww('bigint', 'encoding'),
    encoder: lww('text', 'source'),
    source: lww('json', 'source'),
    /** Where the newest encoder's parts are followed; null when it serves none. */
    live_edge_url: lww('text', 'source'),
    /** Equal to `rendition.encoding_order` of the renditions that the newest encoder makes. */
    encoding_order: { type: 'bigint', join: 'max' },
    /** Over all renditions: what the live window and the length of a recording are taken from. */
    first_media_sequence: { type: 'integer', join: 'min' },
    last_media_sequence: { type: 'integer', join: 'max' },
    end_us: { type: 'bigint', join: 'max' },
  },
  indexes: [['created_at_ms'], ['status', 'created_at_ms'], ['tenant', 'created_at_ms'], ['tenant', 'status', 'created_at_ms']],
};

/** One row per publisher's session. */
export const sessionTable: TableSpec = {
  name: 'session',
  key: { stream_id: 'text', session_id: 'text' },
  columns: {
    started_at_ms: once('bigint'),
    epoch: once('bigint'),
    endpoint: once('text'),
    node: once('text'),
    remote_address: once('text'),
    ended_at_ms: once('bigint'),
    end_reason: once('text'),
    end_detail: once('text'),
  },
  personal: { remote_address: {} },
};

/** One row per rendition that a stream ever had; the newest encoder's carry the stream's `encoding_order`. */
export const renditionTable: TableSpec = {
  name: 'rendition',
  key: { stream_id: 'text', name: 'text' },
  columns: {
    encoding_order: { type: 'bigint', join: 'max' },
    kind: lww('text', 'encoding'),
    codecs: lww('text', 'encoding'),
    bandwidth: lww('integer', 'encoding'),
    width: lww('integer', 'encoding'),
    height: lww('integer', 'encoding'),
    frame_rate: lww('double', 'encoding'),
    channels: lww('integer', 'encoding'),
    /** Of a sound, as far as anybody said. */
    language: lww('text', 'encoding'),
    label: lww('text', 'encoding'),
  },
};

/** One row per segment of a rendition; of two owners that wrote the same one, the later epoch's stands. */
export const segmentTable: TableSpec = {
  name: 'segment',
  key: { stream_id: 'text', rendition: 'text', media_sequence: 'integer' },
  columns: {
    epoch: lww('bigint', 'producer'),
    session_id: lww('text', 'producer'),
    cid: lww('text', 'producer'),
    size_bytes: lww('bigint', 'producer'),
    init_cid: lww('text', 'producer'),
    init_size_bytes: lww('bigint', 'producer'),
    duration_us: lww('bigint', 'producer'),
    start_us: lww('bigint', 'producer'),
    program_date_time_ms: lww('bigint', 'producer'),
    discontinuity: lww('boolean', 'producer'),
    produced_at_ms: lww('bigint', 'producer'),
    /** To the tick, with how the media is coded; null for what packagers of before announced. */
    timescale: lww('integer', 'producer'),
    start_ticks: lww('bigint', 'producer'),
    duration_ticks: lww('bigint', 'producer'),
    codecs: lww('text', 'producer'),
    width: lww('integer', 'producer'),
    height: lww('integer', 'producer'),
    sample_rate: lww('integer', 'producer'),
    channels: lww('integer', 'producer'),
    /** Where key frames lie in the bytes, for I-frame playlists: `{ offset, sizeBytes, startTicks }`. */
    key_frames: lww('json', 'producer'),
    /** WebVTT beside the segment: `{ channel, cid, sizeBytes }`; of video alone. */
    captions: lww('json', 'producer'),
  },
};
