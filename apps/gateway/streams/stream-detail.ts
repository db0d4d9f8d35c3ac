import type { Principal } from '#domain/access';
import { notFound } from '../http/problem.errors.ts';
import type { Playback } from '../public-urls.ts';
import type { StreamPage, StreamReader } from './stream-reader.ts';
import { encodingOf, failoverOf, latencyOf, publishersOf, recordingOf, renditionOf, settingsOf, summaryOf } from './stream.view.ts';

/** Segments per rendition in a stream's details. */
const segmentsShown = 10;

/** Where a stream plays, and where its one file is; a past and a sandbox have no such file. */
export interface StreamPlaces {
  readonly playback: (streamId: string) => Playback;
  readonly media?: (file: string) => string;
}

/** A stream with its renditions and newest segments, as the reader has it. @throws ProblemError 404 */
export async function streamDetail(reader: StreamReader, id: string, principal: Principal, { playback, media }: StreamPlaces): Promise<object> {
  const stream = await reader.visible(id, principal);
  if (stream === undefined) throw notFound('unknown-stream', `There is no stream ${id}.`);
  const { row, head } = stream;
  const renditions = row === undefined ? [] : await reader.renditions(row);
  const segments = await Promise.all(renditions.map((each) => reader.lastSegments(id, String(each['name']), segmentsShown)));
  return {
    ...summaryOf(row, head, playback),
    settings: settingsOf(row, head),
    publishers: row === undefined || row['status'] !== 'live' ? [] : publishersOf(row, await reader.publishers(id)),
    failover: failoverOf(row, head),
    encoding: encodingOf(row),
    renditions: renditions.map((each, at) => renditionOf(each, segments[at] ?? [])),
    recording: media === undefined ? null : recordingOf(await reader.recording(id), media),
    latency: latencyOf(segments[0] ?? []),
  };
}

export function streamPage({ rows, nextCursor }: StreamPage, playback: (streamId: string) => Playback): object {
  return { items: rows.map((row) => summaryOf(row, undefined, playback)), nextCursor };
}
