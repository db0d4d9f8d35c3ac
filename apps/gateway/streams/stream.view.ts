import { dvrWindowMsMin, type StreamState, type StreamStatus } from '#domain/stream';
import type { ReadRow } from '#ports';
import type { ColumnValue } from '#kernel';
import { isoTime } from '../http/fields.ts';
import type { Playback } from '../public-urls.ts';

export interface StreamSummary {
  readonly id: string;
  readonly name: string;
  readonly status: StreamStatus;
  readonly statusReason: string | null;
  readonly createdAt: string | null;
  readonly startedAt: string | null;
  readonly stoppedAt: string | null;
  readonly durationMs: number | null;
  readonly playback: Playback;
  readonly viewers: number | null;
}

export type KnownStream = Exclude<StreamState, { status: 'absent' }>;

function numberOf(value: ColumnValue | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}

/**
 * A stream as the list shows it: from its row, and from its aggregate's head, which is newer, where that was read.
 * A new stream has a head before it has a row.
 */
export function summaryOf(
  row: ReadRow | undefined,
  head: KnownStream | undefined,
  playbackOf: (streamId: string) => Playback,
  viewers: number | null = null,
): StreamSummary {
  const id = String(head?.streamId ?? row?.['stream_id']);
  const status = head?.status ?? (row?.['status'] as StreamStatus);
  const endUs = numberOf(row?.['end_us']);
  return {
    id,
    name: head?.name ?? String(row?.['name']),
    status,
    statusReason: head === undefined ? ((row?.['status_reason'] as string | null | undefined) ?? null) : 'reason' in head ? head.reason : null,
    createdAt: isoTime(row?.['created_at_ms'] as bigint | null | undefined),
    startedAt: isoTime(row?.['first_live_at_ms'] as bigint | null | undefined),
    stoppedAt: row?.['status'] === 'stopped' ? isoTime(row['status_at_ms'] as bigint) : null,
    durationMs: endUs === null ? null : Math.round(endUs / 1000),
    playback: playbackOf(id),
    viewers,
  };
}

export function settingsOf(row: ReadRow | undefined, head: KnownStream | undefined): object {
  return {
    ladder: head?.ladder ?? row?.['ladder'],
    audioBitrate: head?.audioBitrate ?? numberOf(row?.['audio_bitrate']),
    segmentDurationSeconds: (head?.segmentDurationMs ?? Number(row?.['segment_duration_ms'])) / 1000,
    graceSeconds: (head?.graceMs ?? Number(row?.['grace_ms'])) / 1000,
    // Heads from before this was a setting lack it, however they are typed.
    dvrWindowSeconds: ((head?.dvrWindowMs as number | undefined) ?? numberOf(row?.['dvr_window_ms']) ?? dvrWindowMsMin) / 1000,
    lowLatency: head?.lowLatency ?? row?.['low_latency'] !== false,
    unlisted: head?.unlisted ?? row?.['unlisted'] === true,
    audioTracks: head?.audioTracks ?? row?.['audio_tracks'] ?? [],
  };
}

/** @param sessions that have not ended; of two the one that a packager went over to is in use, or else the one that came first */
export function publishersOf(row: ReadRow, sessions: readonly ReadRow[]): readonly object[] {
  const inUse = sessions.find((one) => one['session_id'] === row['active_session_id']) ?? sessions[0];
  return sessions.map((one) => ({
    endpoint: one['endpoint'],
    sessionId: one['session_id'],
    node: one['node'],
    since: isoTime(one['started_at_ms'] as bigint),
    active: one === inUse,
  }));
}

export function failoverOf(row: ReadRow | undefined, head: KnownStream | undefined): object {
  return {
    preferred: head?.preferred ?? row?.['preferred_endpoint'] ?? 'primary',
    lastReason: row?.['switch_reason'] ?? null,
    lastAt: isoTime(row?.['switched_at_ms'] as bigint | null | undefined),
  };
}

export function encodingOf(row: ReadRow | undefined): object | null {
  if (row === undefined || row['encoding_status'] === null || row['encoding_status'] === undefined) return null;
  return { status: row['encoding_status'], reason: row['encoding_reason'], encoder: row['encoder'], node: row['encoding_node'], source: row['source'] };
}

export function renditionOf(row: ReadRow, segments: readonly ReadRow[]): object {
  return {
    name: row['name'],
    kind: row['kind'],
    codecs: row['codecs'],
    bandwidth: row['bandwidth'],
    width: row['width'],
    height: row['height'],
    frameRate: row['frame_rate'],
    channels: row['channels'],
    language: row['language'],
    label: row['label'],
    segments: segments.map((segment) => ({
      mediaSequence: segment['media_sequence'],
      cid: segment['cid'],
      sizeBytes: Number(segment['size_bytes']),
      durationMs: Number(segment['duration_us']) / 1000,
      discontinuity: segment['discontinuity'],
      recordedAt: isoTime(segment['program_date_time_ms'] as bigint),
      producedAt: isoTime(segment['produced_at_ms'] as bigint),
    })),
  };
}

export interface Latency {
  readonly segmentMsMedian: number;
  readonly segmentMsMax: number;
  readonly segments: number;
}

/** How long segments took from their last sample's arrival to their announcement; null without segments. */
export function latencyOf(segments: readonly ReadRow[]): Latency | null {
  if (segments.length === 0) return null;
  const delays = segments
    .map((segment) => Number(segment['produced_at_ms']) - Number(segment['program_date_time_ms']) - Math.round(Number(segment['duration_us']) / 1000))
    .sort((a, b) => a - b);
  return { segmentMsMedian: delays[delays.length >> 1] as number, segmentMsMax: delays.at(-1) as number, segments: delays.length };
}

/** The one file of a stopped stream, as the edge serves it. */
export function recordingOf(row: ReadRow | undefined, mediaUrl: (file: string) => string): object | null {
  if (row === undefined) return null;
  const [mp4, poster] = [row['mp4_cid'], row['poster_cid']];
  const urls = { mp4Url: mp4 === null ? null : mediaUrl(`${String(mp4)}.mp4`), posterUrl: poster === null ? null : mediaUrl(`${String(poster)}.jpg`) };
  const about = { durationMs: numberOf(row['duration_ms']), bytes: numberOf(row['mp4_bytes']), width: numberOf(row['width']), height: numberOf(row['height']) };
  return { status: row['status'], reason: row['reason'], ...urls, ...about, finishedAt: isoTime(row['at_ms'] as bigint) };
}
