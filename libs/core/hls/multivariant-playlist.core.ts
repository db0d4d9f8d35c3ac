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
 * Renders a multivariant playlist (RFC 8216bis section 4.4.6): one variant per video rendition, all sharing the one audio
 * rendition (6.2.4 wants the same audio for every rung). Without video the audio is itself the only variant.
 * URIs are relative to `/live/<streamId>/master.m3u8`.
 */
export function renderMultivariant({ renditions, captions = [], query = '', startSec, images = [] }: MultivariantPlaylist): string {
  const videos = renditions.filter(({ kind }) => kind === 'video').toSorted((a, b) => b.bandwidth - a.bandwidth);
  const audios = renditions.filter(({ kind }) => kind === 'audio').toSorted((a, b) => b.bandwidth - a.bandwidth);
  const lines = ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-INDEPENDENT-SEGMENTS', ...startTag(startSec)];
  if (videos.length === 0) {
    for (const audio of audios) lines.push(...variant(audio, undefined, query));
  } else {
    lines.push(...audios.map((audio, index) => audioMedia(audio, index === 0, query)));
    lines.push(...captions.map((track) => captionMedia(track, query)));
    for (const video of videos) lines.push(...variant(video, audios[0], query, captions.length > 0));
    for (const video of videos) if (video.iFrameBandwidth !== undefined) lines.push(iFrameVariant(video, video.iFrameBandwidth, query));
    lines.push(...imageVariants(images, query));
  }
  return `${lines.join('\n')}\n`;
}

/** 4.4.6.1: a rendition of the audio group; DEFAULT is the one that plays unless somebody chooses. */
function audioMedia(audio: PlaylistRendition, isDefault: boolean, query: string): string {
  const attributes = [
    'TYPE=AUDIO',
    `GROUP-ID="${audioGroup}"`,
    `NAME="${audio.name}"`,
    `DEFAULT=${isDefault ? 'YES' : 'NO'}`,
    'AUTOSELECT=YES',
    ...(audio.channels === undefined ? [] : [`CHANNELS="${audio.channels}"`]),
    `URI="${playlistUri(audio, query)}"`,
  ];
  return `#EXT-X-MEDIA:${attributes.join(',')}`;
}

/** 4.4.6.1: nobody knows in which language they are. */
function captionMedia({ channel, label }: CaptionTrack, query: string): string {
  const spoken = 'public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound';
  const names = `GROUP-ID="${captionGroup}",NAME="${label}",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO`;
  return `#EXT-X-MEDIA:TYPE=SUBTITLES,${names},CHARACTERISTICS="${spoken}",URI="${channel}${captionsSuffix}.m3u8${query}"`;
}

function variant(rendition: PlaylistRendition, audio: PlaylistRendition | undefined, query: string, hasCaptions = false): readonly string[] {
  // A player that reads them out of the picture as well would show them twice.
  const captions = hasCaptions ? [`SUBTITLES="${captionGroup}"`, 'CLOSED-CAPTIONS=NONE'] : [];
  const attributes = [...bandwidths(rendition, audio), ...description(rendition, audio), ...captions];
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

/** 4.4.6.2: bandwidths count the variant with the renditions that play beside it. */
function bandwidths(rendition: PlaylistRendition, audio: PlaylistRendition | undefined): readonly string[] {
  const peak = `BANDWIDTH=${rendition.bandwidth + (audio?.bandwidth ?? 0)}`;
  const average = rendition.averageBandwidth;
  const averageAudio = audio === undefined ? 0 : audio.averageBandwidth;
  if (average === undefined || averageAudio === undefined) return [peak];
  return [peak, `AVERAGE-BANDWIDTH=${average + averageAudio}`];
}

function description(rendition: PlaylistRendition, audio: PlaylistRendition | undefined): readonly string[] {
  const codecs = audio === undefined ? rendition.codecs : `${rendition.codecs},${audio.codecs}`;
  const { width, height, frameRate } = rendition;
  return [
    `CODECS="${codecs}"`,
    ...(width === undefined || height === undefined ? [] : [`RESOLUTION=${width}x${height}`]),
    // Rounded to three decimal places, as the attribute's definition asks.
    ...(frameRate === undefined ? [] : [`FRAME-RATE=${frameRate.toFixed(3)}`]),
    ...(audio === undefined ? [] : [`AUDIO="${audioGroup}"`]),
  ];
}

/** A colon in the first path segment of a relative reference would read as a scheme (RFC 3986 section 4.2). */
function playlistUri({ name }: PlaylistRendition, query: string): string {
  return `${name.replaceAll(':', '%3A')}.m3u8${query}`;
}
