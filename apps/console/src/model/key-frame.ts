/** Where the newest key frame of a rendition is: what a decoder needs before it, and the bytes that it is. */
export interface KeyFramePlace {
  readonly initUrl: string;
  readonly mediaUrl: string;
  readonly first: number;
  readonly last: number;
}

/** Reads an I-frame playlist (RFC 8216bis section 4.4.3.6); undefined when it names no frame. */
export function newestKeyFrame(playlist: string, base: string): KeyFramePlace | undefined {
  let init: string | undefined;
  let range: readonly [number, number] | undefined;
  let found: KeyFramePlace | undefined;
  for (const line of playlist.split('\n')) {
    const map = /^#EXT-X-MAP:URI="([^"]+)"/.exec(line)?.[1];
    const bytes = /^#EXT-X-BYTERANGE:(\d+)@(\d+)/.exec(line);
    if (map !== undefined) init = map;
    else if (bytes !== null) range = [Number(bytes[2]), Number(bytes[2]) + Number(bytes[1]) - 1];
    else if (line !== '' && !line.startsWith('#')) {
      if (init !== undefined && range !== undefined)
        found = { initUrl: new URL(init, base).href, mediaUrl: new URL(line, base).href, first: range[0], last: range[1] };
      range = undefined;
    }
  }
  return found;
}
