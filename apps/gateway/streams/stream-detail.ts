import type { Principal } from '#domain/access';
import { notFound } from '../http/problem.errors.ts';
import type { ReadRow } from '#ports';
import type { Playback } from '../public-urls.ts';
import type { Viewers } from './audience-reader.ts';
import type { StreamPage, StreamReader } from './stream-reader.ts';
import { encodingOf, failoverOf, latencyOf, publishersOf, recordingOf, renditionOf, settingsOf, summaryOf } from './stream.view.ts';

/** Segments per rendition in a stream's details. */
const segmentsShown = 10;

/** Where a stream plays, and where its one file is; a past and a sandbox have no such file. */
export interface StreamPlaces {
  readonly playback: (streamId: string) => Playback;
  readonly media?: (file: string) => string;
  readonly viewers?: (streamId: string) => Promise<Viewers>;
}

/** A stream with its renditions and newest segments, as the reader has it. @throws ProblemError 404 */
export async function streamDetail(reader: StreamReader, id: string, principal: Principal, { playback, media, viewers }: StreamPlaces): Promise<object> {
  const stream = await reader.visible(id, principal);
  if (stream === undefined) throw notFound('unknown-stream', `There is no stream ${id}.`);
  const { row, head } = stream;
  const renditions = row === undefined ? [] : await reader.renditions(row);
  const segments = await Promise.all(renditions.map((each) => reader.lastSegments(id, String(each['name']), segmentsShown)));
  return {
    ...summaryOf(row, head, playback, viewers === undefined ? null : (await viewers(id)).viewers),
    settings: settingsOf(row, head),
    publishers: row === undefined || row['status'] !== 'live' ? [] : publishersOf(row, await reader.publishers(id)),
    failover: failoverOf(row, head),
    encoding: encodingOf(row),
    renditions: renditions.map((each, at) => renditionOf(each, segments[at] ?? [])),
    recording: media === undefined ? null : recordingOf(await reader.recording(id), media),
    latency: latencyOf(segments[0] ?? []),
  };
}

/** @param viewers of each stream now; left out where the rows are not those of now */
export function streamPage({ rows, nextCursor }: StreamPage, playback: (streamId: string) => Playback, viewers?: ReadonlyMap<string, Viewers>): object {
  const of = (row: ReadRow): number | null => (viewers === undefined ? null : (viewers.get(String(row['stream_id']))?.viewers ?? 0));
  return { items: rows.map((row) => summaryOf(row, undefined, playback, of(row))), nextCursor };
}
