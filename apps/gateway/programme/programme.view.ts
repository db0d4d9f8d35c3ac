import type { DateRange } from '#core/hls';
import { clipTable, type Mark, type MarkerTold } from '#domain/stream';
import type { ReadRow, ReadStore } from '#ports';
import { isoTime } from '../http/fields.ts';
import type { InputOf } from '../http/operation.ts';
import type { PublicUrls } from '../public-urls.ts';
import type { markStream } from './programme.contract.ts';

const numberOf = (value: unknown): number | null => (value === null || value === undefined ? null : Number(value));
const secondsOf = (value: unknown): number | null => (value === null || value === undefined ? null : Number(value) / 1000);
const clipsShown = 200;

/** What was asked for, before a read model knows of it. */
export interface AskedClip {
  readonly streamId: string;
  readonly clipId: string;
  readonly name: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

export function requestedClip({ streamId, clipId, name, fromMs, untilMs }: AskedClip, requestedAtMs: number): object {
  const asked = { from: isoTime(fromMs), until: isoTime(untilMs) };
  const nothing = { durationMs: null, bytes: null, width: null, height: null, mp4Url: null, posterUrl: null, hlsUrl: null };
  return {
    id: clipId,
    streamId,
    name,
    status: 'requested',
    reason: null,
    asked,
    shows: null,
    ...nothing,
    requestedAt: isoTime(requestedAtMs),
    finishedAt: null,
  };
}

export function clipOf(row: ReadRow, urls: PublicUrls): object {
  const [mp4, poster] = [row['mp4_cid'], row['poster_cid']];
  const isMade = row['first_segment'] !== null;
  return {
    id: row['clip_id'],
    streamId: row['stream_id'],
    name: row['name'],
    status: row['status'] ?? 'requested',
    reason: row['reason'],
    asked: { from: isoTime(row['asked_from_ms'] as bigint), until: isoTime(row['asked_until_ms'] as bigint) },
    shows: isMade ? { from: isoTime(row['from_ms'] as bigint), until: isoTime(row['until_ms'] as bigint) } : null,
    durationMs: numberOf(row['duration_ms']),
    bytes: numberOf(row['mp4_bytes']),
    width: numberOf(row['width']),
    height: numberOf(row['height']),
    mp4Url: mp4 === null ? null : urls.media(`${String(mp4)}.mp4`),
    posterUrl: poster === null ? null : urls.media(`${String(poster)}.jpg`),
    hlsUrl: isMade ? urls.segments(String(row['stream_id']), Number(row['first_segment']), Number(row['last_segment'])) : null,
    requestedAt: isoTime(row['requested_at_ms'] as bigint | null),
    finishedAt: isoTime(row['at_ms'] as bigint | null),
  };
}

export async function clipRows(reads: ReadStore, streamId: string, clipId?: string): Promise<readonly ReadRow[]> {
  const ofStream = { column: 'stream_id', is: 'eq' as const, value: streamId };
  const where = clipId === undefined ? [ofStream] : [ofStream, { column: 'clip_id', is: 'eq' as const, value: clipId }];
  const rows = await reads.select(clipTable, { where, orderBy: [{ column: 'requested_at_ms', descending: true }], limit: clipsShown });
  // What was made before its order was read is no clip yet.
  return rows.filter((row) => row['name'] !== null);
}

function attributesOf(row: ReadRow): DateRange['attributes'] {
  return (row['attributes'] ?? []) as DateRange['attributes'];
}

type MarkerSaid = Omit<Mark['marker'], 'streamId' | 'markerId' | 'origin'>;

/** What the caller says of a marker, and nothing of what it leaves out. */
export function markerSaid(body: InputOf<typeof markStream>['body']): MarkerSaid {
  const { attributes, at, class: kind, durationSeconds, plannedDurationSeconds, endsOnNext, scte35Cmd, scte35Out, scte35In } = body;
  const msOf = (seconds: number | undefined): number | undefined => (seconds === undefined ? undefined : Math.round(seconds * 1000));
  const named = Object.entries(attributes).map(([name, value]) => ({ name, value: String(value), isNumber: typeof value === 'number' }));
  const said = {
    ...{ class: kind, startMs: at, durationMs: msOf(durationSeconds), plannedDurationMs: msOf(plannedDurationSeconds), endsOnNext },
    ...{ scte35Cmd, scte35Out, scte35In, attributes: named },
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) as MarkerSaid;
}

/** A marker as it was just told. */
export function toldMarkerOf(told: MarkerTold): object {
  const { markerId: id, class: kind, startMs, endsOnNext, scte35Cmd, scte35Out, scte35In, origin } = told;
  return {
    ...{ id, class: kind, at: isoTime(BigInt(startMs)), durationSeconds: secondsOf(told.durationMs) },
    ...{ plannedDurationSeconds: secondsOf(told.plannedDurationMs), endsOnNext, scte35Cmd, scte35Out, scte35In },
    attributes: Object.fromEntries(told.attributes.map(({ name, value, isNumber }) => [name, isNumber ? Number(value) : value])),
    origin,
  };
}

export function markerOf(row: ReadRow): object {
  return {
    id: row['marker_id'],
    class: row['class'],
    at: isoTime(row['start_ms'] as bigint),
    durationSeconds: secondsOf(row['duration_ms']),
    plannedDurationSeconds: secondsOf(row['planned_duration_ms']),
    endsOnNext: row['ends_on_next'],
    scte35Cmd: row['scte35_cmd'],
    scte35Out: row['scte35_out'],
    scte35In: row['scte35_in'],
    attributes: Object.fromEntries(attributesOf(row).map(({ name, value, isNumber }) => [name, isNumber ? Number(value) : value])),
    origin: row['origin'],
  };
}
