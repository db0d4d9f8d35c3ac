import { streamTable } from '#domain/stream';
import { PastModels } from '../past/past-models.ts';
import { StreamExtras } from '../streams/stream-extras.ts';
import { StreamReader } from '../streams/stream-reader.ts';
import { handedOn, type PastQuery, type PlaylistQuery } from './playlist-query.ts';
import { SegmentLists } from './segment-lists.ts';
import { PlaylistReader, type Playlist, type PlaylistForm } from './playlist-reader.ts';

type Rendered = Extract<Playlist, { kind: 'playlist' }>;

/** Playlists as they stood at a moment; what they name are the same segments, which never change. */
export class PastPlaylists {
  readonly #past: PastModels;

  constructor(past: PastModels) {
    this.#past = past;
  }

  /** @returns with `forEver` when the answer cannot become another one any more */
  serve(
    past: PastQuery,
    { startSec, skip, part }: Pick<PlaylistQuery, 'startSec' | 'skip' | 'part'>,
    streamId: string,
    render: (playlists: PlaylistReader, form: PlaylistForm) => Promise<Rendered>,
  ): Promise<{ readonly playlist: Rendered; readonly forEver: boolean }> {
    return this.#past.at(past.asOf, 'query.asOf', async ({ asOf, reads }) => {
      // Positions have no clock: they stand for the moment of their last event.
      const nowMs = asOf.atMs ?? (await reads.lastRecordedAtMs(streamTable, streamId)) ?? 0;
      const playlists = new PlaylistReader(new StreamReader(reads), new SegmentLists(reads), new StreamExtras(reads), { now: () => nowMs });
      const form = { whole: past.window === 'whole', query: handedOn({ past, startSec, part }, asOf.text), startSec, skip, part };
      return { playlist: await render(playlists, form), forEver: this.#past.isSettled(asOf) };
    });
  }
}
