import type { CaptionTrack, MultivariantPlaylist, PlaylistRendition } from './playlist.ts';
import { startTag } from './start-tag.ts';
import { imageVariants } from './thumbnails.core.ts';

const audioGroup = 'audio';
const captionGroup = 'captions';
/** Behind a channel's name: that of its captions' playlist. */
export const captionsSuffix = '.captions';
/** Behind a rendition's name: that of its I-frame playlist. No name of a rendition has a dot. */
export const iFramesSuffix = '.iframes';

/**
 * Renders a multivariant playlist (RFC 8216bis section 4.4.6): one variant per video rendition, all sharing the one group of
 * sounds (6.2.4 wants the same audio for every rung). Without video the first sound is itself the only variant.
 * URIs are relative to `/live/<streamId>/master.m3u8`.
 */
export function renderMultivariant({ renditions, muxed, captions = [], query = '', startSec, images = [] }: MultivariantPlaylist): string {
  const videos = renditions.filter(({ kind }) => kind === 'video').toSorted((a, b) => b.bandwidth - a.bandwidth);
  const audios = soundsInOrder(renditions);
  const lines = ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-INDEPENDENT-SEGMENTS', ...startTag(startSec)];
  if (videos.length === 0) {
    const [first, ...others] = audios;
    if (others.length > 0) lines.push(...audioMedia(audios, query));
    if (first !== undefined) lines.push(...variant(first, others.length > 0 ? audios : [], query));
  } else {
    if (muxed === undefined) lines.push(...audioMedia(audios, query));
    else if (audios.length > 0) lines.push(...audioMedia([muxed, ...audios], query, muxed));
    lines.push(...captions.map((track, index) => captionMedia(track, index === 0, query)));
    for (const video of videos) lines.push(...variant(video, audios, query, captions.length > 0));
    for (const video of videos) if (video.iFrameBandwidth !== undefined) lines.push(iFrameVariant(video, video.iFrameBandwidth, query));
    lines.push(...imageVariants(images, query));
  }
  return `${lines.join('\n')}\n`;
}

/** The first is what plays unless somebody chooses; further tracks are named after their number. */
export function soundsInOrder<T extends Pick<PlaylistRendition, 'kind' | 'name'>>(renditions: readonly T[]): readonly T[] {
  const byName = (a: T, b: T): number => a.name.length - b.name.length || (a.name < b.name ? -1 : 1);
  return renditions.filter(({ kind }) => kind === 'audio').toSorted(byName);
}

/**
 * 4.4.6.1: the audio group. DEFAULT is the one that plays unless somebody chooses; of the others those may be chosen for a listener
 * that are the first in their language (4.4.6.1.1: those with AUTOSELECT=YES differ in what they are chosen by).
 */
function audioMedia(audios: readonly PlaylistRendition[], query: string, muxed?: PlaylistRendition): readonly string[] {
  const languages = audios.map(({ language }) => language?.toLowerCase());
  return audios.map((audio, index) => {
    const isFirst = languages[index] !== undefined && languages.indexOf(languages[index]) === index;
    return audioRendition(audio, { isDefault: index === 0, autoselects: index === 0 || isFirst, isMuxed: audio === muxed }, query);
  });
}

interface Chosen {
  readonly isDefault: boolean;
  readonly autoselects: boolean;
  /** 4.4.6.2.1: it is in the variants themselves, and has no address. */
  readonly isMuxed: boolean;
}

function audioRendition(audio: PlaylistRendition, { isDefault, autoselects, isMuxed }: Chosen, query: string): string {
  const attributes = [
    'TYPE=AUDIO',
    `GROUP-ID="${audioGroup}"`,
    `NAME="${audio.label ?? audio.name}"`,
    ...(audio.language === undefined ? [] : [`LANGUAGE="${audio.language}"`]),
    `DEFAULT=${isDefault ? 'YES' : 'NO'}`,
    `AUTOSELECT=${autoselects ? 'YES' : 'NO'}`,
    ...(audio.channels === undefined ? [] : [`CHANNELS="${audio.channels}"`]),
    ...(isMuxed ? [] : [`URI="${playlistUri(audio, query)}"`]),
  ];
  return `#EXT-X-MEDIA:${attributes.join(',')}`;
}

/** 4.4.6.1: nobody knows in which language they are, so that players choose the first by themselves, or none. */
function captionMedia({ channel, label }: CaptionTrack, autoselects: boolean, query: string): string {
  const spoken = 'public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound';
  const names = `GROUP-ID="${captionGroup}",NAME="${label}",DEFAULT=NO,AUTOSELECT=${autoselects ? 'YES' : 'NO'},FORCED=NO`;
  return `#EXT-X-MEDIA:TYPE=SUBTITLES,${names},CHARACTERISTICS="${spoken}",URI="${channel}${captionsSuffix}.m3u8${query}"`;
}

function variant(rendition: PlaylistRendition, sounds: readonly PlaylistRendition[], query: string, hasCaptions = false): readonly string[] {
  // A player that reads them out of the picture as well would show them twice.
  const captions = hasCaptions ? [`SUBTITLES="${captionGroup}"`, 'CLOSED-CAPTIONS=NONE'] : [];
  const attributes = [...bandwidths(rendition, sounds), ...description(rendition, sounds), ...captions];
  // 4.4.6.2: the line after the tag is the URI.
  return [`#EXT-X-STREAM-INF:${attributes.join(',')}`, playlistUri(rendition, query)];
}

/** 4.4.6.3: the same attributes without those of sound and motion. */
function iFrameVariant(video: PlaylistRendition, bandwidth: number, query: string): string {
  const { codecs, width, height } = video;
  const size = width === undefined || height === undefined ? [] : [`RESOLUTION=${width}x${height}`];
  const uri = playlistUri({ ...video, name: `${video.name}${iFramesSuffix}` }, query);
  return `#EXT-X-I-FRAME-STREAM-INF:${[`BANDWIDTH=${bandwidth}`, `CODECS="${codecs}"`, ...size, `URI="${uri}"`].join(',')}`;
}

/** 4.4.6.2: bandwidths count the variant with the renditions that play beside it: of sounds one does, the largest at most. */
function bandwidths(rendition: PlaylistRendition, sounds: readonly PlaylistRendition[]): readonly string[] {
  // Where there is no picture, the first of them is the variant itself.
  const beside = sounds.includes(rendition) ? [] : sounds;
  const own = sounds.includes(rendition) ? Math.max(...sounds.map(({ bandwidth }) => bandwidth)) : rendition.bandwidth;
  const peak = `BANDWIDTH=${own + Math.max(0, ...beside.map(({ bandwidth }) => bandwidth))}`;
  const averages = beside.map(({ averageBandwidth }) => averageBandwidth);
  const average = rendition.averageBandwidth;
  if (average === undefined || averages.includes(undefined)) return [peak];
  return [peak, `AVERAGE-BANDWIDTH=${average + Math.max(0, ...(averages as readonly number[]))}`];
}

function description(rendition: PlaylistRendition, sounds: readonly PlaylistRendition[]): readonly string[] {
  // Each once, also those of a sound that is in the picture's own files.
  const codecs = [...new Set([rendition, ...sounds].flatMap((one) => one.codecs.split(',')))].join(',');
  const { width, height, frameRate } = rendition;
  return [
    `CODECS="${codecs}"`,
    ...(width === undefined || height === undefined ? [] : [`RESOLUTION=${width}x${height}`]),
    // Rounded to three decimal places, as the attribute's definition asks.
    ...(frameRate === undefined ? [] : [`FRAME-RATE=${frameRate.toFixed(3)}`]),
    ...(sounds.length === 0 ? [] : [`AUDIO="${audioGroup}"`]),
  ];
}

/** A colon in the first path segment of a relative reference would read as a scheme (RFC 3986 section 4.2). */
function playlistUri({ name }: PlaylistRendition, query: string): string {
  return `${name.replaceAll(':', '%3A')}.m3u8${query}`;
}
