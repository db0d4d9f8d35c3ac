import { renderMedia, renderMultivariant, targetDurationOf, type PlaylistRendition, type PlaylistSegment } from '#core/hls';
import { isComplete, segmentTable, type StreamStatus } from '#domain/stream';
import type { Millis } from '#kernel';
import type { Clock, ReadCondition, ReadRow, ReadStore } from '#ports';
import { StreamReader } from '../streams/stream-reader.ts';

/** Segments in a live playlist. */
export const liveWindowSegments = 10;
/** Rows of a recording read at once. */
const pageRows = 10_000;
/** Segments that one playlist may list: 55 hours of 2 s. */
const segmentsMax = 100_000;

export type Playlist =
  | { readonly kind: 'unknown-stream' }
  /** The stream is there, but has nothing to play yet. */
  | { readonly kind: 'nothing-yet'; readonly ended: boolean }
  | { readonly kind: 'unknown-rendition' }
  | { readonly kind: 'playlist'; readonly text: string; readonly ended: boolean };

function segmentOf(row: ReadRow): PlaylistSegment {
  return {
    mediaSequence: Number(row['media_sequence']),
    cid: String(row['cid']),
    initCid: String(row['init_cid']),
    durationUs: Number(row['duration_us']),
    startUs: Number(row['start_us']),
    programDateTimeMs: Number(row['program_date_time_ms']),
    discontinuity: row['discontinuity'] === true,
  };
}

function renditionOf(row: ReadRow): PlaylistRendition {
  const optional = (name: string): number | undefined => (row[name] === null ? undefined : Number(row[name]));
  return {
    name: String(row['name']),
    kind: row['kind'] as 'video' | 'audio',
    codecs: String(row['codecs']),
    bandwidth: Number(row['bandwidth']),
    width: optional('width'),
    height: optional('height'),
    frameRate: optional('frame_rate'),
    channels: optional('channels'),
  };
}

/** Which playlist of a stream. */
export interface PlaylistForm {
  /** Everything from the first segment on, closed as a recording is, whether the stream has ended or not. */
  readonly whole?: boolean;
  /** Query of the URIs of a multivariant playlist. */
  readonly query?: string;
}

/** Renders playlists from rows; nothing about a playlist is kept anywhere. */
export class PlaylistReader {
  readonly #streams: StreamReader;
  readonly #reads: ReadStore;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(streams: StreamReader, reads: ReadStore, clock: Pick<Clock, 'now'>) {
    this.#streams = streams;
    this.#reads = reads;
    this.#clock = clock;
  }

  async master(streamId: string, { query = '' }: PlaylistForm = {}): Promise<Playlist> {
    const stream = await this.#streams.row(streamId);
    if (stream === undefined) return this.#absent(streamId);
    const ended = hasEnded(stream, this.#clock.now());
    if (stream['last_media_sequence'] === null || stream['encoding_order'] === null) return { kind: 'nothing-yet', ended };
    const renditions = await this.#streams.renditions(stream);
    return { kind: 'playlist', text: renderMultivariant({ renditions: renditions.map(renditionOf), query }), ended };
  }

  async media(streamId: string, rendition: string, { whole = false }: PlaylistForm = {}): Promise<Playlist> {
    const stream = await this.#streams.row(streamId);
    if (stream === undefined) return this.#absent(streamId);
    const ended = whole || hasEnded(stream, this.#clock.now());
    if (stream['last_media_sequence'] === null) return { kind: 'nothing-yet', ended };
    const window = windowOf(stream, ended);
    const of: ReadCondition[] = [
      { column: 'stream_id', is: 'eq', value: streamId },
      { column: 'rendition', is: 'eq', value: rendition },
    ];
    const segments = await this.#segments(of, window);
    // A rendition without a segment in the window may still be one that the encoder has just begun to make.
    if (segments.length === 0) return (await this.#isRendition(stream, rendition)) ? { kind: 'nothing-yet', ended } : { kind: 'unknown-rendition' };
    const discontinuitySequence = ended ? 0 : await this.#discontinuitiesBefore(of, window.first);
    const targetDurationSec = targetDurationOf(Number(stream['segment_duration_ms']));
    return { kind: 'playlist', text: renderMedia({ segments: segments.map(segmentOf), targetDurationSec, discontinuitySequence, ended, window }), ended };
  }

  /** A new stream has a head before it has a row. */
  async #absent(streamId: string): Promise<Playlist> {
    const head = await this.#streams.head(streamId);
    return head === undefined ? { kind: 'unknown-stream' } : { kind: 'nothing-yet', ended: head.status === 'stopped' };
  }

  async #isRendition(stream: ReadRow, name: string): Promise<boolean> {
    return (await this.#streams.renditions(stream)).some((row) => row['name'] === name);
  }

  async #segments(of: readonly ReadCondition[], window: { readonly first: number; readonly last: number }): Promise<readonly ReadRow[]> {
    const rows: ReadRow[] = [];
    for (let from = window.first; rows.length < segmentsMax;) {
      const where: ReadCondition[] = [...of, { column: 'media_sequence', is: 'gte', value: from }, { column: 'media_sequence', is: 'lte', value: window.last }];
      const page = await this.#reads.select(segmentTable, { where, orderBy: [{ column: 'media_sequence' }], limit: pageRows });
      rows.push(...page);
      if (page.length < pageRows) break;
      from = Number(page.at(-1)?.['media_sequence']) + 1;
    }
    return rows;
  }

  /** Few segments are discontinuous, so counting them is cheap. */
  async #discontinuitiesBefore(of: readonly ReadCondition[], mediaSequence: number): Promise<number> {
    const where: ReadCondition[] = [...of, { column: 'media_sequence', is: 'lt', value: mediaSequence }, { column: 'discontinuity', is: 'eq', value: true }];
    return (await this.#reads.select(segmentTable, { where, limit: pageRows })).length;
  }
}

function hasEnded(stream: ReadRow, nowMs: Millis): boolean {
  const end = {
    status: stream['status'] as StreamStatus | null,
    statusAtMs: Number(stream['status_at_ms']),
    encodingStatus: stream['encoding_status'] as string | null,
    encodingReason: stream['encoding_reason'] as string | null,
  };
  return isComplete(end, nowMs);
}

/** All renditions of a stream show the same window, whichever of them has segments in it. */
function windowOf(stream: ReadRow, ended: boolean): { readonly first: number; readonly last: number } {
  const first = Number(stream['first_media_sequence']);
  const last = Number(stream['last_media_sequence']);
  return { first: ended ? first : Math.max(first, last - liveWindowSegments + 1), last };
}
