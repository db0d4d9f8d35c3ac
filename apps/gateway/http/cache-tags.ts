import { playlistTag, streamTag } from '#domain/cache';
import { isStreamId } from '#domain/stream';

/**
 * By what edges can purge an answer of the origin, as a Cache-Tag: everything of a stream, and its playlists, which change
 * when the segments that they name do not. Undefined for what is of no stream.
 */
export function cacheTagsOf(path: string): string | undefined {
  const streamId = /^\/live\/([^/]+)\//.exec(path)?.[1];
  if (streamId === undefined || !isStreamId(streamId)) return undefined;
  return /\.(?:m3u8|mpd)$/.test(path) ? `${streamTag(streamId)}, ${playlistTag(streamId)}` : streamTag(streamId);
}
