import { streamTable } from '#domain/stream';
import { badRequest } from '../http/problem.errors.ts';
import { PastModels } from '../past/past-models.ts';
import { asOfQuery } from '../public-urls.ts';
import { StreamReader } from '../streams/stream-reader.ts';
import { PlaylistReader, type Playlist, type PlaylistForm } from './playlist-reader.ts';

/** What a request asks of the past of a playlist. */
export interface PastPlaylistQuery {
  readonly asOf: string;
  /** `live`: what players were shown at that moment, to the byte; else everything up to it, closed, so that it plays. */
  readonly window: 'live' | 'whole';
}

type Rendered = Extract<Playlist, { kind: 'playlist' }>;

const windows: readonly unknown[] = ['live', 'whole'];

/** @returns undefined for a playlist as it is now. @throws ProblemError 400 */
export function pastQueryOf({ asOf, window }: Readonly<Record<string, unknown>>): PastPlaylistQuery | undefined {
  if (asOf === undefined && window === undefined) return undefined;
  if (typeof asOf !== 'string' || asOf === '' || asOf.length > 4096)
    throw fieldProblem('asOf', 'Expected one time, such as 2026-11-26T14:05:00Z, or one token.');
  if (window !== undefined && !windows.includes(window)) throw fieldProblem('window', 'Expected "live" or "whole".');
  return { asOf, window: window === 'live' ? 'live' : 'whole' };
}

function fieldProblem(name: string, message: string): Error {
  return badRequest('invalid-request', `query.${name}: ${message}`, [{ field: `query.${name}`, message }]);
}

/** Playlists as they stood at a moment; what they name are the same segments, which never change. */
export class PastPlaylists {
  readonly #past: PastModels;

  constructor(past: PastModels) {
    this.#past = past;
  }

  /** @returns with `forEver` when the answer cannot become another one any more */
  serve(
    { asOf: text, window }: PastPlaylistQuery,
    streamId: string,
    render: (playlists: PlaylistReader, form: PlaylistForm) => Promise<Rendered>,
  ): Promise<{ readonly playlist: Rendered; readonly forEver: boolean }> {
    return this.#past.at(text, 'query.asOf', async ({ asOf, reads }) => {
      // Positions have no clock: they stand for the moment of their last event.
      const nowMs = asOf.atMs ?? (await reads.lastRecordedAtMs(streamTable, streamId)) ?? 0;
      const playlists = new PlaylistReader(new StreamReader(reads), reads, { now: () => nowMs });
      const query = `${asOfQuery(asOf.text)}${window === 'live' ? '&window=live' : ''}`;
      return { playlist: await render(playlists, { whole: window === 'whole', query }), forEver: this.#past.isSettled(asOf) };
    });
  }
}
