import { partDurationUs } from '#core/fmp4';
import { judgeReload, type ReloadQuery, type ReloadVerdict } from '#core/hls';
import { captionedRendition } from '../origin/caption-tracks.ts';
import { dashManifest, mediaPlaylist, type Playlist, type PlaylistForm } from '../origin/playlist-reader.ts';
import { windowStartUs } from '../origin/stream-window.ts';
import type { StreamExtras } from '../streams/stream-extras.ts';
import type { LiveState, LiveView } from './live-view.ts';
import type { LiveViews } from './live-views.ts';

export type LivePlaylist =
  | Playlist
  /** Asked for what nobody can know of yet. */
  | { readonly kind: 'too-far' }
  /** It did not come in time, or too many wait. */
  | { readonly kind: 'late' | 'full' };

export type LivePart =
  | { readonly kind: 'part'; readonly bytes: Uint8Array }
  | { readonly kind: 'absent' }
  /** It did not come in time, or too many wait. */
  | { readonly kind: 'late' | 'full' };

/** Where a part stands. */
export interface PartPlace {
  readonly rendition: string;
  readonly mediaSequence: number;
  readonly index: number;
  readonly run: string;
}

interface RenditionPlace {
  readonly streamId: string;
  readonly rendition: string;
}

/** What a request wants to see of a media playlist. */
export type LiveForm = Required<Pick<PlaylistForm, 'startSec' | 'skip' | 'iFrames' | 'captions'>>;

/** A packager has news a few times a second; rows are read in milliseconds. */
const attemptsMax = 10;

/** Media playlists and parts of live streams, given out when they are there: the blocking half of RFC 8216bis section 6.2.5. */
export class LivePlaylists {
  readonly #views: LiveViews;
  readonly #extras: StreamExtras;
  /** What was rendered of a view's newest version. */
  readonly #rendered = new WeakMap<LiveView, { version: number; readonly playlists: Map<string, Promise<Playlist>> }>();

  constructor(views: LiveViews, extras: StreamExtras) {
    this.#views = views;
    this.#extras = extras;
  }

  /** Undefined for a stream that is not live, or has no live edge: its playlists are made of rows alone. */
  async media(streamId: string, asked: string, form: LiveForm, reload?: ReloadQuery): Promise<LivePlaylist | undefined> {
    const view = await this.#views.of(streamId);
    if (view === undefined) return undefined;
    await view.ready();
    const rendition = form.captions === undefined ? asked : await captionedBeside(view, asked);
    if (reload !== undefined) {
      await view.state();
      const verdict = verdictOf(view, rendition, reload);
      if (verdict === 'too-far') return { kind: 'too-far' };
      if (verdict === 'wait') {
        if (this.#views.full) return { kind: 'full' };
        const key = `${rendition} ${reload.mediaSequence} ${reload.part}`;
        const waited = await view.wait(key, () => verdictOf(view, rendition, reload) !== 'wait');
        if (waited !== 'ready') return { kind: waited };
      }
    }
    // Awaited here: of a thousand who wait each turn of the event queue is one more before the first is answered.
    return await this.#render(view, { streamId, rendition }, form);
  }

  /** The DASH manifest; undefined as for a media playlist. @param nowMs wall clock */
  async manifest(streamId: string, nowMs: number): Promise<Playlist | undefined> {
    const view = await this.#views.of(streamId);
    if (view === undefined) return undefined;
    await view.ready();
    const { row, ended, window } = await stableState(view);
    const edgeUs = Math.max(view.parts.edgeUs, view.parts.endUs);
    const [dateRanges, images] = await Promise.all([this.#extras.ranges(streamId), this.#extras.images(streamId, ended ? 0 : windowStartUs(row))]);
    return dashManifest(window, { ended, nowMs, dateRanges, images, edgeUs, open: (rendition) => view.parts.parts(rendition)?.open });
  }

  /** A part; one that is announced to come next is waited for, and sent when all of it is there (6.2.6). */
  async part(streamId: string, place: PartPlace): Promise<LivePart> {
    const view = await this.#views.of(streamId);
    if (view === undefined) return { kind: 'absent' };
    await view.ready();
    const { rendition, mediaSequence, index, run } = place;
    const bytes = (): Uint8Array | undefined => view.parts.parts(rendition)?.bytes(mediaSequence, index, run);
    const isExpected = (): boolean => view.parts.expects(rendition, mediaSequence, index, run);
    if (bytes() === undefined && isExpected()) {
      if (this.#views.full) return { kind: 'full' };
      const waited = await view.wait(`${rendition} ${mediaSequence}.${index}.${run}`, () => bytes() !== undefined || !isExpected());
      if (waited !== 'ready') return { kind: waited };
    }
    const found = bytes();
    return found === undefined ? { kind: 'absent' } : { kind: 'part', bytes: found };
  }

  /** One playlist for all who ask for the same before it changes. */
  #render(view: LiveView, { streamId, rendition }: RenditionPlace, form: LiveForm): Promise<Playlist> {
    const { startSec, skip, iFrames, captions } = form;
    let rendered = this.#rendered.get(view);
    if (rendered?.version !== view.version) {
      rendered = { version: view.version, playlists: new Map() };
      this.#rendered.set(view, rendered);
    }
    const key = [rendition, startSec, skip, iFrames, captions].join();
    let playlist = rendered.playlists.get(key);
    if (playlist === undefined) {
      playlist = renderLive(view, rendition, form, this.#extras.ranges(streamId));
      rendered.playlists.set(key, playlist);
    }
    return playlist;
  }
}

/** Captions come with the segments of a picture. */
async function captionedBeside(view: LiveView, otherwise: string): Promise<string> {
  const { window } = await view.state();
  return (window === undefined ? undefined : captionedRendition(window)) ?? otherwise;
}

function verdictOf(view: LiveView, rendition: string, reload: ReloadQuery): ReloadVerdict {
  return judgeReload(reload, {
    ended: view.ended,
    lastSequence: view.lastSequence(rendition),
    partsOf: (mediaSequence) => view.parts.parts(rendition)?.partials.get(mediaSequence)?.parts.length,
    partTargetUs: partDurationUs,
  });
}

/** What the rows and the packager say of the same moment: either may have news while the other is read. */
async function stableState(view: LiveView): Promise<LiveState> {
  for (let attempt = 1; ; attempt++) {
    const { version } = view;
    const state = await view.state();
    if (view.version === version || attempt === attemptsMax) return state;
  }
}

async function renderLive(view: LiveView, rendition: string, form: LiveForm, ranges: ReturnType<StreamExtras['ranges']>): Promise<Playlist> {
  const { ended, window } = await stableState(view);
  const others = (window?.renditions ?? []).map(({ name }) => String(name)).filter((name) => name !== rendition);
  const lowLatency = ended ? undefined : view.parts.lowLatency(rendition, others, window?.last ?? -1);
  return mediaPlaylist(window, rendition, { ...form, ended, lowLatency, dateRanges: await ranges });
}
