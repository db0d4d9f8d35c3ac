import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StoredRecord } from '#events';

/** Names of the playlists of the recorded stream, without `.m3u8`. */
export const playlistNames = ['master', '240p', 'audio'] as const;

/** By name, byte for byte; a problem's kind where there was no playlist yet. */
export type Playlists = Readonly<Record<string, string>>;

/** A live stream as it really was: what the log had in the end, and what players were served on the way. */
export interface RecordedSession {
  readonly streamId: string;
  /** RFC 3339, oldest first. */
  readonly moments: ReadonlyArray<{ readonly at: string; readonly playlists: Playlists }>;
  /** When the stream was over. */
  readonly recording: Playlists;
  /** Of the topic `stream`, by partition and offset. */
  readonly records: ReadonlyArray<Omit<StoredRecord, 'offset'> & { readonly partition: number }>;
}

/** Compiled code runs in dist/. */
export const recordedSessionFile = join(import.meta.dirname, '../../../../test/replay/recorded/live-session.json');

export function readRecordedSession(): RecordedSession {
  return JSON.parse(readFileSync(recordedSessionFile, 'utf8')) as RecordedSession;
}

/** What is served at a path: the playlist, or the kind of problem (its details name the request). */
export async function playlistsAt(gatewayUrl: string, streamId: string, query = ''): Promise<Playlists> {
  const texts = await Promise.all(
    playlistNames.map(async (name) => {
      const response = await fetch(`${gatewayUrl}/live/${streamId}/${name}.m3u8${query}`);
      const text = await response.text();
      return [name, response.ok ? text : (JSON.parse(text) as { readonly type: string }).type] as const;
    }),
  );
  return Object.fromEntries(texts);
}

const essential = /^(#EXTINF:|#EXT-X-(MEDIA-SEQUENCE|DISCONTINUITY|DISCONTINUITY-SEQUENCE|GAP|MAP|PROGRAM-DATE-TIME|PLAYLIST-TYPE|ENDLIST)\b|[^#])/;

/** What a release says that renders playlists with more, or other, tags than the one that was recorded. */
export function essentialsOf(playlists: Playlists): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(Object.entries(playlists).map(([name, text]) => [name, text.split('\n').filter((line) => essential.test(line))]));
}
