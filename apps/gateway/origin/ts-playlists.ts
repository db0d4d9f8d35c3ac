import { captionsSuffix, renderMedia, renderMultivariant, soundsInOrder, targetDurationOf, type PlaylistRendition, type PlaylistSegment } from '#core/hls';
import { canBeTransported } from '#core/mpegts';
import type { Clock } from '#ports';
import type { StreamReader } from '../streams/stream-reader.ts';
import { captionedRendition, captionTracks, captionUris } from './caption-tracks.ts';
import { listedRenditions } from './listed-renditions.ts';
import { measured } from './measured-bandwidth.core.ts';
import { renditionOf, type Playlist } from './playlist-reader.ts';
import type { SegmentLists } from './segment-lists.ts';
import { hasEnded, StreamWindow } from './stream-window.ts';
import { tsNameOf } from './ts-name.core.ts';

export interface TsPlaylistForm {
  readonly startSec?: number | undefined;
  readonly skip?: boolean;
}

/** Headers and tables of a transport stream add to what is carried. */
const overhead = 1.1;

/**
 * Playlists of the same segments as MPEG transport streams, for players that read nothing else: each rendition's picture and
 * the first sound in one file, as such players expect, and further sounds beside them, for those who know of a choice.
 */
export class TsPlaylists {
  readonly #streams: StreamReader;
  readonly #lists: SegmentLists;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(streams: StreamReader, lists: SegmentLists, clock: Pick<Clock, 'now'>) {
    this.#streams = streams;
    this.#lists = lists;
    this.#clock = clock;
  }

  async master(streamId: string, { startSec }: TsPlaylistForm): Promise<Playlist> {
    const opened = await this.#open(streamId);
    if (opened.kind !== 'open') return opened;
    const { window, ended } = opened;
    const renditions = transported(window);
    const muxed = renditions.some(({ kind }) => kind === 'video') ? soundOf(window) : undefined;
    return renditions.length === 0
      ? { kind: 'unknown-rendition' }
      : { kind: 'playlist', text: renderMultivariant({ renditions, ...(muxed && { muxed }), captions: captionTracks(window), startSec }), ended };
  }

  async media(streamId: string, name: string, { startSec, skip = false }: TsPlaylistForm): Promise<Playlist> {
    const opened = await this.#open(streamId);
    if (opened.kind !== 'open') return opened;
    const { window, ended } = opened;
    const captions = name.endsWith(captionsSuffix) ? name.slice(0, -captionsSuffix.length) : undefined;
    const isKnown =
      captions === undefined ? transported(window).some((one) => one.name === name) : captionTracks(window).some((one) => one.channel === captions);
    if (!isKnown) return { kind: 'unknown-rendition' };
    const rendition = captions === undefined ? name : (captionedRendition(window) ?? name);
    const segments = window.segments(rendition);
    if (segments.length === 0 && (ended || captions !== undefined)) return { kind: 'nothing-yet', ended };
    const { first, last } = window;
    const discontinuities = window.discontinuities();
    const text = renderMedia({
      segments,
      predecessor: window.predecessor(rendition),
      placeOf: window.placesBeside(rendition),
      window: { first, last },
      discontinuities: new Set(discontinuities),
      discontinuitySequence: discontinuities.filter((mediaSequence) => mediaSequence < first).length,
      targetDurationSec: targetDurationOf(Number(window.stream['segment_duration_ms'])),
      ended,
      startSec,
      skip,
      ...(captions === undefined ? { uriOf: uriOf(window, name) } : { captionsOf: captionUris(captions, '../../../media/ts') }),
    });
    return { kind: 'playlist', text, ended };
  }

  async #open(streamId: string): Promise<{ kind: 'open'; window: StreamWindow; ended: boolean } | Exclude<Playlist, { kind: 'playlist' }>> {
    const stream = await this.#streams.row(streamId);
    if (stream === undefined) {
      const head = await this.#streams.head(streamId);
      return head === undefined ? { kind: 'unknown-stream' } : { kind: 'nothing-yet', ended: head.status === 'stopped' };
    }
    const ended = hasEnded(stream, this.#clock.now());
    const window = await StreamWindow.open(this.#streams, this.#lists, stream, ended);
    return window === undefined ? { kind: 'nothing-yet', ended } : { kind: 'open', window, ended };
  }
}

/** The sound that goes into every picture's files: most of such players know of no choice. */
function soundOf(window: StreamWindow): PlaylistRendition | undefined {
  return soundsOf(window)[0];
}

function soundsOf(window: StreamWindow): readonly PlaylistRendition[] {
  return soundsInOrder(listedRenditions(window).map((row) => renditionOf(measured(window, row)))).filter(({ codecs }) => canBeTransported(codecs));
}

/** Renditions as a transport stream has them: pictures with the first sound in them, and sounds alone: further ones, or all where there is no picture. */
function transported(window: StreamWindow): readonly PlaylistRendition[] {
  const listed = listedRenditions(window);
  const renditions = listed.map((row) => renditionOf(measured(window, row))).filter(({ codecs }) => canBeTransported(codecs));
  const [sound, ...further] = soundsOf(window);
  const videos = renditions.filter(({ kind }) => kind === 'video');
  const alone = (some: readonly PlaylistRendition[]): PlaylistRendition[] => some.map((one) => ({ ...one, ...taken([one]) }));
  if (videos.length === 0) return listed.some(({ kind }) => kind === 'video') || sound === undefined ? [] : alone([sound, ...further]);
  const pictures = videos.map((video) => ({
    ...video,
    ...taken(sound === undefined ? [video] : [video, sound]),
    codecs: sound === undefined ? video.codecs : `${video.codecs},${sound.codecs}`,
  }));
  return [...pictures, ...alone(further)];
}

/** What a file of these takes. */
function taken(renditions: readonly PlaylistRendition[]): Pick<PlaylistRendition, 'bandwidth' | 'averageBandwidth'> {
  const scaled = (bits: readonly number[]): number => Math.ceil(bits.reduce((sum, one) => sum + one, 0) * overhead);
  const averages = renditions.flatMap(({ averageBandwidth }) => averageBandwidth ?? []);
  const averageBandwidth = averages.length === renditions.length ? scaled(averages) : undefined;
  return { bandwidth: scaled(renditions.map(({ bandwidth }) => bandwidth)), averageBandwidth };
}

/** Relative to `/live/<streamId>/ts/<rendition>.m3u8`. */
function uriOf(window: StreamWindow, name: string): (segment: PlaylistSegment) => string {
  const sound = soundOf(window);
  const isSound = soundsOf(window).some((one) => one.name === name);
  const beside = sound === undefined || isSound ? [] : window.segments(sound.name);
  const byNumber = new Map(beside.map((segment) => [segment.mediaSequence, segment]));
  return (segment) => {
    const { mediaSequence } = segment;
    const heard = byNumber.get(mediaSequence);
    return `../../../media/ts/${tsNameOf({ mediaSequence, tracks: heard === undefined ? [segment] : [segment, heard] })}`;
  };
}
