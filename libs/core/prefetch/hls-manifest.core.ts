import { manifestLengthMax, segmentsMax, type Manifest } from './manifest.ts';
import { resolveReference, type ReferenceBase } from './reference.core.ts';

/** An attribute of a tag, in quotes or without (RFC 8216 section 4.2). */
function attribute(line: string, name: string): string | undefined {
  const [, quoted, plain] = new RegExp(`[:,]${name}=(?:"([^"]*)"|([^",]*))`).exec(line) ?? [];
  return quoted ?? plain;
}

interface Reading {
  readonly base: ReferenceBase;
  readonly segments: string[];
  parts: string[];
  readonly playlists: string[];
  init: string | undefined;
  live: boolean;
  /** What the next line with a URI is. */
  next: 'segment' | 'playlist' | 'nothing';
  audio: string | undefined;
  segmentMs: number | undefined;
}

function secondsMs(text: string): number | undefined {
  return /^\d{1,4}$/.test(text) && Number(text) > 0 ? Number(text) * 1000 : undefined;
}

function readTag(line: string, reading: Reading): void {
  const { base } = reading;
  const uriOf = (): string | undefined => {
    const uri = attribute(line, 'URI');
    return uri === undefined ? undefined : resolveReference(uri, base);
  };
  if (line.startsWith('#EXTINF:')) reading.next = reading.next === 'nothing' ? 'nothing' : 'segment';
  // Parts of one file, and what is not there, are no objects to fetch.
  else if (line.startsWith('#EXT-X-BYTERANGE:') || line === '#EXT-X-GAP') reading.next = 'nothing';
  else if (line.startsWith('#EXT-X-TARGETDURATION:')) reading.segmentMs = secondsMs(line.slice('#EXT-X-TARGETDURATION:'.length));
  else if (line.startsWith('#EXT-X-STREAM-INF:')) reading.next = 'playlist';
  else if (line.startsWith('#EXT-X-MAP:')) reading.init = attribute(line, 'BYTERANGE') === undefined ? uriOf() : undefined;
  else if (line.startsWith('#EXT-X-PART:') || line.startsWith('#EXT-X-PRELOAD-HINT:')) {
    const uri = attribute(line, 'BYTERANGE') === undefined && attribute(line, 'BYTERANGE-START') === undefined ? uriOf() : undefined;
    if (uri !== undefined && attribute(line, 'GAP') !== 'YES') reading.parts.push(uri);
  } else if (line === '#EXT-X-ENDLIST') reading.live = false;
  else if (line.startsWith('#EXT-X-MEDIA:') && attribute(line, 'TYPE') === 'AUDIO' && attribute(line, 'DEFAULT') === 'YES') reading.audio ??= uriOf();
}

function readUri(line: string, reading: Reading): void {
  const target = reading.next === 'nothing' ? undefined : resolveReference(line, reading.base);
  // A player without a better idea begins with the first rendition (RFC 8216 section 6.3.1).
  if (target !== undefined && reading.next === 'playlist' && reading.playlists.length === 0) reading.playlists.push(target);
  if (reading.next !== 'playlist') {
    if (target !== undefined) reading.segments.push(target);
    // The newest count: whoever reads from the beginning of a long list will ask for it again.
    if (reading.live && reading.segments.length > 2 * segmentsMax) reading.segments.splice(0, segmentsMax);
    reading.parts = [];
  }
  reading.next = 'segment';
}

/** Reads an HLS playlist (RFC 8216) as far as it tells what is asked for next; undefined for what is none. */
export function readHls(text: string, base: ReferenceBase): Manifest | undefined {
  if (!text.startsWith('#EXTM3U') || text.length > manifestLengthMax) return undefined;
  const reading: Reading = {
    base,
    segments: [],
    parts: [],
    playlists: [],
    init: undefined,
    live: true,
    next: 'segment',
    audio: undefined,
    segmentMs: undefined,
  };
  for (const raw of text.split('\n')) {
    const line = raw.trimEnd();
    if (line.startsWith('#')) readTag(line, reading);
    else if (line !== '') readUri(line, reading);
  }
  const { audio, init, live, parts, playlists, segmentMs, segments } = reading;
  if (playlists.length > 0) return { live: false, tracks: [], first: [], playlists: audio === undefined ? playlists : [...playlists, audio] };
  const listed = live ? segments.slice(-segmentsMax) : segments.slice(0, segmentsMax);
  return { live, tracks: [{ id: '', init, segments: listed, parts: parts.slice(-4), segmentMs }], first: [''], playlists: [] };
}
