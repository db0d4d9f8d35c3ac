import { partDurationUs } from '#core/fmp4';
import {
  type DateRange,
  renderImagePlaylist,
  renderMedia,
  renderMultivariant,
  renderThumbnailTrack,
  targetDurationOf,
  type MediaPlaylist,
  type PlaylistRendition,
  type ThumbnailImage,
} from '#core/hls';
import type { Clock, ReadRow } from '#ports';
import { dvrWindowMsMin } from '#domain/stream';
import type { StreamExtras } from '../streams/stream-extras.ts';
import type { StreamReader } from '../streams/stream-reader.ts';
import { renderMpd, type Beginning, type DashRendition, type DashSegment } from '#core/dash';
import type { OpenSegment } from '../low-latency/rendition-parts.core.ts';
import { captionedRendition, captionsCid, captionTracks, captionUris, dashCaptions, emptyCaptionsName } from './caption-tracks.ts';
import { listedRenditions } from './listed-renditions.ts';
import { measured } from './measured-bandwidth.core.ts';
import { CountedRows } from './counted-segments.ts';
import type { SegmentLists } from './segment-lists.ts';
import type { Segment } from './segment-rows.ts';
import { hasEnded, StreamWindow, windowStartUs, type StreamPart } from './stream-window.ts';

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
  /** These segments alone, closed as a recording is. */
  readonly part?: StreamPart | undefined;
  /** Key frames instead of segments. */
  readonly iFrames?: boolean;
  /** This channel's captions beside the segments; then no rendition is named. */
  readonly captions?: string | undefined;
  /** What is new alone, for a client that has the rest. */
  readonly skip?: boolean;
}

/** Images whose size tells the bandwidth of all. */
const imagesMeasured = 8;

/** Renders playlists from rows; of a playlist itself nothing is kept anywhere. */
export class PlaylistReader {
  readonly #streams: StreamReader;
  readonly #lists: SegmentLists;
  readonly #extras: StreamExtras;
  readonly #clock: Pick<Clock, 'now'>;
  /** Segments as DASH players count them. */
  readonly counted: CountedRows;

  /** @param lists and `extras` of the same rows that `streams` reads */
  constructor(streams: StreamReader, lists: SegmentLists, extras: StreamExtras, clock: Pick<Clock, 'now'>) {
    this.#streams = streams;
    this.#lists = lists;
    this.#extras = extras;
    this.#clock = clock;
    this.counted = new CountedRows(streams, lists, clock);
  }

  async master(streamId: string, { query = '', startSec, whole = false, part }: PlaylistForm = {}): Promise<Playlist> {
    const stream = await this.#streams.row(streamId);
    if (stream === undefined) return this.#absent(streamId);
    const ended = part !== undefined || hasEnded(stream, this.#clock.now());
    const window = stream['encoding_order'] === null ? undefined : await StreamWindow.open(this.#streams, this.#lists, stream, whole || ended, { part });
    if (window === undefined) return { kind: 'nothing-yet', ended };
    const images = part === undefined ? await this.#extras.lastImages(streamId, imagesMeasured) : [];
    const renditions = listedRenditions(window).map((row) => ({
      ...renditionOf(measured(window, row)),
      iFrameBandwidth: iFrameBandwidthOf(window.segments(String(row['name']))),
    }));
    return { kind: 'playlist', text: renderMultivariant({ renditions, captions: captionTracks(window), query, startSec, images }), ended };
  }

  async media(streamId: string, rendition: string, { whole = false, part, startSec, skip, iFrames, captions }: PlaylistForm = {}): Promise<Playlist> {
    const stream = await this.#streams.row(streamId);
    if (stream === undefined) return this.#absent(streamId);
    const ended = whole || part !== undefined || hasEnded(stream, this.#clock.now());
    const [window, dateRanges] = await Promise.all([StreamWindow.open(this.#streams, this.#lists, stream, ended, { part }), this.#extras.ranges(streamId)]);
    return mediaPlaylist(window, rendition, { ended, startSec, skip, iFrames, captions, dateRanges });
  }

  /** Small pictures of what the playlists show: an image playlist, or a WebVTT track. */
  async thumbnails(streamId: string, format: 'm3u8' | 'vtt', { whole = false }: PlaylistForm = {}): Promise<Playlist> {
    const stream = await this.#streams.row(streamId);
    if (stream === undefined) return this.#absent(streamId);
    const ended = whole || hasEnded(stream, this.#clock.now());
    const fromUs = ended ? 0 : windowStartUs(stream);
    const images = await this.#extras.images(streamId, fromUs);
    if (images.length === 0) return { kind: 'nothing-yet', ended };
    return { kind: 'playlist', text: format === 'vtt' ? renderThumbnailTrack(images, fromUs) : renderImagePlaylist({ images, ended }), ended };
  }

  /** The DASH manifest: the same window and the same segments. */
  async mpd(streamId: string, { whole = false }: PlaylistForm = {}): Promise<Playlist> {
    const stream = await this.#streams.row(streamId);
    if (stream === undefined) return this.#absent(streamId);
    const ended = whole || hasEnded(stream, this.#clock.now());
    const window = await StreamWindow.open(this.#streams, this.#lists, stream, ended);
    const [dateRanges, images] = await Promise.all([this.#extras.ranges(streamId), this.#extras.images(streamId, ended ? 0 : windowStartUs(stream))]);
    return dashManifest(window, { ended, nowMs: this.#clock.now(), dateRanges, images });
  }

  /** The media of one segment by its number, as DASH manifests list it: what it was stored as; undefined when there is none. */
  async segment(streamId: string, rendition: string, mediaSequence: number): Promise<string | undefined> {
    return (await this.#lists.segment({ streamId, rendition, mediaSequence }))?.cid;
  }

  /** The captions of one segment by its number: what they were stored as, or that there are none; undefined when there is no such segment. */
  async captions(streamId: string, channel: string, mediaSequence: number): Promise<string | undefined> {
    const stream = await this.#streams.row(streamId);
    const pictures = stream === undefined ? [] : (await this.#streams.everyRendition(stream)).filter(({ kind }) => kind === 'video');
    const found = await Promise.all(pictures.map(({ name }) => this.#lists.segment({ streamId, rendition: String(name), mediaSequence })));
    const segments = found.filter((segment) => segment !== undefined);
    if (segments.length === 0) return undefined;
    return segments.flatMap((segment) => captionsCid(segment, channel) ?? [])[0] ?? emptyCaptionsName;
  }

  /** The small pictures that begin at a place on the stream's timeline, microseconds: what they were stored as. */
  image(streamId: string, startUs: number): Promise<string | undefined> {
    return this.#extras.imageCid(streamId, startUs);
  }

  /** Whether there is such a stream, with anything to play or not. */
  async knows(streamId: string): Promise<boolean> {
    return (await this.#streams.row(streamId)) !== undefined;
  }

  /** A new stream has a head before it has a row. */
  async #absent(streamId: string): Promise<Playlist> {
    const head = await this.#streams.head(streamId);
    return head === undefined ? { kind: 'unknown-stream' } : { kind: 'nothing-yet', ended: head.status === 'stopped' };
  }
}

/** A segment that begins a period and is not stored yet: players should not have to wait until it is. What goes on they know of without. */
function begunOf({ last }: StreamWindow, open: OpenSegment | undefined): (DashSegment & OpenSegment) | undefined {
  if (open === undefined || !open.discontinuity || open.mediaSequence <= last) return undefined;
  const { timescale, codecs, width, height, sampleRate, channels } = open.track;
  return { ...open, startTicks: undefined, durationTicks: undefined, track: { timescale, codecs, width, height, sampleRate, channels } };
}

/** The run of media that they begin. */
function begunRun(begun: ReadonlyMap<string, OpenSegment>): readonly Beginning[] {
  const [first] = begun.values();
  return first === undefined ? [] : [{ ...first, inits: Object.fromEntries([...begun].map(([name, { initCid }]) => [name, initCid])) }];
}

export interface ManifestForm {
  readonly ended: boolean;
  /** Wall clock. */
  readonly nowMs: number;
  readonly dateRanges: readonly DateRange[];
  readonly images: readonly ThumbnailImage[];
  /** Where the newest parts end on the stream's timeline, microseconds. */
  readonly edgeUs?: number;
  /** What is being made of a rendition. */
  readonly open?: (rendition: string) => OpenSegment | undefined;
}

/** The DASH manifest of a window. */
export function dashManifest(window: StreamWindow | undefined, { ended, nowMs, dateRanges, images, edgeUs = 0, open }: ManifestForm): Playlist {
  if (window === undefined) return { kind: 'nothing-yet', ended };
  const { stream } = window;
  const { renditions: made } = window;
  const begun = new Map<string, DashSegment & OpenSegment>();
  const renditions = window.everyRendition.map((row): DashRendition => {
    const name = String(row['name']);
    const segment = ended ? undefined : begunOf(window, open?.(name));
    if (segment !== undefined) begun.set(name, segment);
    const segments = segment === undefined ? window.segments(name) : [...window.segments(name), segment];
    return { ...dashRenditionOf(measured(window, row)), isMade: made.includes(row), segments };
  });
  const text = renderMpd({
    renditions,
    beginnings: [...window.beginnings().map((one) => ({ ...one, inits: window.inits(one.mediaSequence) })), ...begunRun(begun)],
    segmentDurationMs: Number(stream['segment_duration_ms']),
    dvrWindowMs: Number(stream['dvr_window_ms'] ?? dvrWindowMsMin),
    ended,
    timeUrl: '../time',
    dateRanges,
    images,
    captions: dashCaptions(window),
    lowLatency:
      typeof stream['live_edge_url'] === 'string' ? { chunkUs: partDurationUs, edgeUs: Math.max(edgeUs, Number(stream['end_us'])), nowMs } : undefined,
  });
  return { kind: 'playlist', text, ended };
}

/** A media playlist of a window. */
export function mediaPlaylist(
  window: StreamWindow | undefined,
  asked: string,
  { captions, ...form }: Pick<MediaPlaylist, 'ended' | 'startSec' | 'skip' | 'iFrames' | 'lowLatency' | 'dateRanges'> & Pick<PlaylistForm, 'captions'>,
): Playlist {
  const { ended } = form;
  if (window === undefined) return { kind: 'nothing-yet', ended };
  if (captions !== undefined && !captionTracks(window).some(({ channel }) => channel === captions)) return { kind: 'unknown-rendition' };
  const rendition = captions === undefined ? asked : (captionedRendition(window) ?? asked);
  const segments = window.segments(rendition);
  // A rendition without a segment in the window may be one that the encoder has just begun to make: gaps beside the others, as it will have them later.
  if (segments.length === 0 && !window.renditions.some(({ name }) => name === rendition)) return { kind: 'unknown-rendition' };
  if (segments.length === 0 && (ended || captions !== undefined || form.iFrames === true)) return { kind: 'nothing-yet', ended };
  const { first, last, stream } = window;
  const discontinuities = window.discontinuities();
  const text = renderMedia({
    segments,
    predecessor: window.predecessor(rendition),
    placeOf: window.placesBeside(rendition),
    window: { first, last },
    discontinuities: new Set(discontinuities),
    // 6.2.2: those that left the window; the first segment's own is still told.
    discontinuitySequence: discontinuities.filter((mediaSequence) => mediaSequence < first).length,
    targetDurationSec: targetDurationOf(Number(stream['segment_duration_ms'])),
    ...form,
    captionsOf: captions === undefined ? undefined : captionUris(captions),
    dateRanges: form.iFrames === true || captions !== undefined ? [] : form.dateRanges,
  });
  return { kind: 'playlist', text, ended };
}

/**
 * Peak bits per second of the key frames that segments begin with, rounded up to two digits, so that it stays the same while
 * the window moves; undefined without any.
 */
function iFrameBandwidthOf(segments: readonly Segment[]): number | undefined {
  let peak = 0;
  for (const { keyFrames, durationUs } of segments) peak = Math.max(peak, ((keyFrames[0]?.sizeBytes ?? 0) * 8_000_000) / durationUs);
  if (peak === 0) return undefined;
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(peak)) - 1);
  return Math.ceil(peak / unit) * unit;
}

function dashRenditionOf(row: ReadRow): Omit<DashRendition, 'segments' | 'isMade'> {
  const { name, kind, codecs, bandwidth, width, height, frameRate, channels, language, label } = renditionOf(row);
  return { name, kind, codecs, bandwidth, width, height, frameRate, channels, language, label };
}

export function renditionOf(row: ReadRow): PlaylistRendition {
  const optional = (name: string): number | undefined => ((row[name] ?? null) === null ? undefined : Number(row[name]));
  return {
    name: String(row['name']),
    kind: row['kind'] as 'video' | 'audio',
    codecs: String(row['codecs']),
    bandwidth: Number(row['bandwidth']),
    averageBandwidth: optional('average_bandwidth'),
    width: optional('width'),
    height: optional('height'),
    frameRate: optional('frame_rate'),
    channels: optional('channels'),
    language: (row['language'] as string | null | undefined) ?? undefined,
    label: (row['label'] as string | null | undefined) ?? undefined,
  };
}
