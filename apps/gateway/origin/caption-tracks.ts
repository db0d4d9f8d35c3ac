import type { DashCaptions } from '#core/dash';
import { captionsSuffix, type CaptionTrack, type MediaPlaylist, type PlaylistSegment } from '#core/hls';
import { listedRenditions } from './listed-renditions.ts';
import type { Segment } from './segment-rows.ts';
import type { StreamWindow } from './stream-window.ts';

/** Stands for the captions of a segment in which there are none; see `emptyCaptions`. */
export const emptyCaptionsName = 'empty';

/** The picture whose segments tell of captions: the one with the most of them, for another may have been left out for a while. */
export function captionedRendition(window: StreamWindow): string | undefined {
  let best: { readonly name: string; readonly segments: number } | undefined;
  for (const row of listedRenditions(window)) {
    const name = String(row['name']);
    const segments = row['kind'] === 'video' ? window.segments(name).length : 0;
    if (segments > (best?.segments ?? 0)) best = { name, segments };
  }
  return best?.name;
}

/** The channels that said anything within the window, in the order of their names. */
export function captionTracks(window: StreamWindow): readonly CaptionTrack[] {
  const rendition = captionedRendition(window);
  const channels = new Set((rendition === undefined ? [] : window.segments(rendition)).flatMap(({ captions }) => captions.map(({ channel }) => channel)));
  return [...channels].toSorted().map((channel) => ({ channel, label: labelOf(channel) }));
}

/** The same for DASH, with the segments in which each said anything. */
export function dashCaptions(window: StreamWindow): readonly DashCaptions[] {
  const rendition = captionedRendition(window);
  if (rendition === undefined) return [];
  const segments = window.segments(rendition);
  return captionTracks(window).map(({ channel, label }) => {
    const spoken = segments.filter((segment) => captionsCid(segment, channel) !== undefined).map(({ mediaSequence }) => mediaSequence);
    return { name: `${channel}${captionsSuffix}`, label, rendition, spoken };
  });
}

function labelOf(channel: string): string {
  return channel.startsWith('cc') ? channel.toUpperCase() : channel.replace('service', 'Service ');
}

/** Where a channel's captions of a segment are, as seen from a playlist of fragmented MP4 or, with `folder`, of transport streams. */
export function captionUris(channel: string, folder = '../../media'): NonNullable<MediaPlaylist['captionsOf']> {
  return (segment: PlaylistSegment) => `${folder}/${captionsCid(segment as Segment, channel) ?? emptyCaptionsName}.vtt`;
}

export function captionsCid({ captions }: Pick<Segment, 'captions'>, channel: string): string | undefined {
  return captions.find((one) => one.channel === channel)?.cid;
}
