import { renderMedia, renderMultivariant, targetDurationOf, type PlaylistRendition } from '#core/hls';
import type { Clock, ReadRow, ReadStore } from '#ports';
import type { StreamReader } from '../streams/stream-reader.ts';
import { SegmentLists } from './segment-lists.ts';
import { hasEnded, StreamWindow } from './stream-window.ts';

export type Playlist =
  | { readonly kind: 'unknown-stream' }
  /** The stream is there, but has nothing to play yet. */
  | { readonly kind: 'nothing-yet'; readonly ended: boolean }
  | { readonly kind: 'unknown-rendition' }
  | { readonly kind: 'playlist'; readonly text: string; readonly ended: boolean };

/** Which playlist of a stream. */
export interface PlaylistForm {
  /** Everything from the first segment on, closed as a recording is, whether the stream has ended or not. */
  readonly whole?: boolean;
  /** Query of the URIs of a multivariant playlist. */
  readonly query?: string;
  /** Where players begin, seconds from the beginning or, below zero, from the end. */
  readonly startSec?: number | undefined;
  /** What is new alone, for a client that has the rest. */
  readonly skip?: boolean;
}

/** Renders playlists from rows; of a playlist itself nothing is kept anywhere. */
export class PlaylistReader {
  readonly #streams: StreamReader;
  readonly #lists: SegmentLists;
  readonly #clock: Pick<Clock, 'now'>;

  /** @param reads where `streams` reads from as well */
  constructor(streams: StreamReader, reads: ReadStore, clock: Pick<Clock, 'now'>) {
    this.#streams = streams;
    this.#lists = new SegmentLists(reads);
    this.#clock = clock;
  }

  async master(streamId: string, { query = '', startSec }: PlaylistForm = {}): Promise<Playlist> {
    const stream = await this.#streams.row(streamId);
    if (stream === undefined) return this.#absent(streamId);
    const ended = hasEnded(stream, this.#clock.now());
    if (stream['last_media_sequence'] === null || stream['encoding_order'] === null) return { kind: 'nothing-yet', ended };
    const renditions = await this.#streams.renditions(stream);
    return { kind: 'playlist', text: renderMultivariant({ renditions: renditions.map(renditionOf), query, startSec }), ended };
  }

  async media(streamId: string, rendition: string, { whole = false, startSec, skip }: PlaylistForm = {}): Promise<Playlist> {
    const stream = await this.#streams.row(streamId);
    if (stream === undefined) return this.#absent(streamId);
    const ended = whole || hasEnded(stream, this.#clock.now());
    const window = await StreamWindow.open(this.#streams, this.#lists, stream, ended);
    if (window === undefined) return { kind: 'nothing-yet', ended };
    const segments = window.segments(rendition);
    // A rendition without a segment in the window may still be one that the encoder has just begun to make.
    if (segments.length === 0) return window.renditions.some(({ name }) => name === rendition) ? { kind: 'nothing-yet', ended } : { kind: 'unknown-rendition' };
    const { first, last } = window;
    const discontinuities = window.discontinuities();
    const text = renderMedia({
      segments,
      window: { first, last },
      discontinuities: new Set(discontinuities),
      // 6.2.2: those that left the window; the first segment's own is still told.
      discontinuitySequence: discontinuities.filter((mediaSequence) => mediaSequence < first).length,
      targetDurationSec: targetDurationOf(Number(stream['segment_duration_ms'])),
      ended,
      startSec,
      skip,
    });
    return { kind: 'playlist', text, ended };
  }

  /** A new stream has a head before it has a row. */
  async #absent(streamId: string): Promise<Playlist> {
    const head = await this.#streams.head(streamId);
    return head === undefined ? { kind: 'unknown-stream' } : { kind: 'nothing-yet', ended: head.status === 'stopped' };
  }
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
