import type { ColumnSpec, ColumnType, TableSpec } from '#kernel';

const once = (type: ColumnType): ColumnSpec => ({ type, join: 'once' });
const lww = (type: ColumnType, stamp: string): ColumnSpec => ({ type, join: 'lww', stamp });

/** One row per image of small pictures; of two owners that made the same one, the later epoch's stands. */
export const thumbnailTable: TableSpec = {
  name: 'thumbnail',
  key: { stream_id: 'text', media_sequence: 'integer' },
  columns: {
    cid: lww('text', 'producer'),
    size_bytes: lww('bigint', 'producer'),
    start_us: lww('bigint', 'producer'),
    duration_us: lww('bigint', 'producer'),
    program_date_time_ms: lww('bigint', 'producer'),
    columns: lww('integer', 'producer'),
    rows: lww('integer', 'producer'),
    width: lww('integer', 'producer'),
    height: lww('integer', 'producer'),
  },
};

/** One row per stream: what was measured of it last. */
export const streamSampleTable: TableSpec = {
  name: 'stream_sample',
  key: { stream_id: 'text' },
  columns: {
    session_id: lww('text', 'sample'),
    epoch: lww('bigint', 'sample'),
    node: lww('text', 'sample'),
    at_ms: lww('bigint', 'sample'),
    window_ms: lww('integer', 'sample'),
    input: lww('json', 'sample'),
    behind_ms: lww('bigint', 'sample'),
    encoder_speed: lww('double', 'sample'),
    picture: lww('json', 'sample'),
    sound: lww('json', 'sample'),
  },
};

/** One row per kind of alert that a stream ever had: whether it is open, or when it last was. */
export const streamAlertTable: TableSpec = {
  name: 'stream_alert',
  key: { stream_id: 'text', alert: 'text' },
  columns: {
    /** `open` or `over`. */
    state: lww('text', 'alert'),
    session_id: lww('text', 'alert'),
    detail: lww('text', 'alert'),
    /** Of an open one, since when; of one that is over, null. */
    since_ms: lww('bigint', 'alert'),
    lasted_ms: lww('bigint', 'alert'),
    at_ms: lww('bigint', 'alert'),
  },
};

/** One row per marker; the newest word about it counts. */
export const streamMarkerTable: TableSpec = {
  name: 'stream_marker',
  key: { stream_id: 'text', marker_id: 'text' },
  columns: {
    class: lww('text', 'word'),
    start_ms: lww('bigint', 'word'),
    duration_ms: lww('bigint', 'word'),
    planned_duration_ms: lww('bigint', 'word'),
    ends_on_next: lww('boolean', 'word'),
    scte35_cmd: lww('text', 'word'),
    scte35_out: lww('text', 'word'),
    scte35_in: lww('text', 'word'),
    attributes: lww('json', 'word'),
    origin: lww('text', 'word'),
    at_ms: lww('bigint', 'word'),
  },
};

/** By round, then outcome, then event: two workers may each have told how the same round went. */
const ofRound = (type: ColumnType): ColumnSpec => ({ type, join: 'hlc', stamp: 'round' });

/** One row per piece that was asked for. */
export const clipTable: TableSpec = {
  name: 'clip',
  key: { stream_id: 'text', clip_id: 'text' },
  columns: {
    tenant: once('text'),
    name: once('text'),
    asked_from_ms: once('bigint'),
    asked_until_ms: once('bigint'),
    requested_at_ms: { type: 'bigint', join: 'min' },
    status: ofRound('text'),
    reason: ofRound('text'),
    mp4_cid: ofRound('text'),
    mp4_bytes: ofRound('bigint'),
    poster_cid: ofRound('text'),
    duration_ms: ofRound('bigint'),
    from_ms: ofRound('bigint'),
    until_ms: ofRound('bigint'),
    width: ofRound('integer'),
    height: ofRound('integer'),
    renditions: ofRound('json'),
    first_segment: ofRound('integer'),
    last_segment: ofRound('integer'),
    at_ms: ofRound('bigint'),
  },
  indexes: [['stream_id', 'requested_at_ms']],
};
