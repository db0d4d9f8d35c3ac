import { partDurationUs } from '#core/fmp4';
import { judgeReload, type DateRange, type ReloadQuery, type ReloadVerdict } from '#core/hls';
import { captionedRendition } from '../origin/caption-tracks.ts';
import { dashManifest, mediaPlaylist, type Playlist, type PlaylistForm } from '../origin/playlist-reader.ts';
import { windowStartUs } from '../origin/stream-window.ts';
import type { StreamExtras } from '../streams/stream-extras.ts';
import type { LiveView } from './live-view.ts';
import type { LiveViews } from './live-views.ts';
import { togetherMs, type LivePlaylist } from './waiting-together.ts';

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

/** What a request wants to see of a media playlist. */
export type LiveForm = Required<Pick<PlaylistForm, 'startSec' | 'skip' | 'iFrames' | 'captions'>>;

/** A gateway that has not heard of the packager yet may be asked for what another has told of so many segments ahead. */
const unheardMax = 16;

/** Media playlists and parts of live streams, given out when they are there: the blocking half of RFC 8216bis section 6.2.5. */
export class LivePlaylists {
  readonly #views: Pick<LiveViews, 'of' | 'heldOf' | 'full'>;
  readonly #extras: StreamExtras;
  /** What was rendered of a view's newest version. */
  readonly #rendered = new WeakMap<LiveView, { version: number; readonly playlists: Map<string, Playlist> }>();

  constructor(views: Pick<LiveViews, 'of' | 'heldOf' | 'full'>, extras: StreamExtras) {
    this.#views = views;
    this.#extras = extras;
  }

  /** Undefined for a stream that is not live, or has no live edge: its playlists are made of rows alone. */
  async media(streamId: string, asked: string, form: LiveForm, reload?: ReloadQuery): Promise<LivePlaylist | undefined> {
    const view = await this.#views.of(streamId);
    if (view === undefined) return undefined;
    await view.ready();
    const rendition = form.captions === undefined ? asked : captionedBeside(view, asked);
    if (reload !== undefined) {
      if (verdictOf(view, rendition, reload) === 'wait') {
        if (this.#views.full) return { kind: 'full' };
        const key = `${rendition} ${reload.mediaSequence} ${reload.part}`;
        // The longest of those who wait together: nobody is sent away before three target durations (6.2.5.2).
        const msMax = 3 * view.targetDurationSec * 1000 + togetherMs;
        const waited = await view.wait(key, () => verdictOf(view, rendition, reload) !== 'wait', msMax);
        if (waited !== 'ready') return { kind: waited };
      }
      if (verdictOf(view, rendition, reload) === 'too-far') return { kind: 'too-far' };
    }
    // Everything that must be asked for is asked for before: what is rendered is of one moment.
    const ranges = await this.#extras.ranges(streamId);
    return this.#render(view, rendition, form, ranges);
  }

  /** The DASH manifest; undefined as for a media playlist. @param nowMs wall clock */
  async manifest(streamId: string, nowMs: number): Promise<Playlist | undefined> {
    const view = await this.#views.of(streamId);
    if (view === undefined) return undefined;
    await view.ready();
    const { row, ended: isOver } = view.state;
    const [dateRanges, images] = await Promise.all([this.#extras.ranges(streamId), this.#extras.images(streamId, isOver ? 0 : windowStartUs(row))]);
    const { ended, window } = view.state;
    const edgeUs = Math.max(view.parts.edgeUs, view.parts.endUs);
    return dashManifest(window, { ended, nowMs, dateRanges, images, edgeUs, open: (rendition) => view.parts.parts(rendition)?.open });
  }

  /** A part; one that is announced to come next is waited for, and sent when all of it is there (6.2.6). */
  async part(streamId: string, place: PartPlace): Promise<LivePart> {
    const view = await this.#views.heldOf(streamId);
    if (view === undefined) return { kind: 'absent' };
    await view.ready();
    const { rendition, mediaSequence, index, run } = place;
    const bytes = (): Uint8Array | undefined => view.parts.parts(rendition)?.bytes(mediaSequence, index, run);
    // While the packager cannot be heard, a run that nobody here knows of may be one that others were told of.
    const mayCome = (): boolean => !view.ended && (view.parts.knows(run) ? view.parts.expects(rendition, mediaSequence, index, run) : !view.isJoined);
    if (bytes() === undefined && mayCome()) {
      if (this.#views.full) return { kind: 'full' };
      const waited = await view.wait(`${rendition} ${mediaSequence}.${index}.${run}`, () => bytes() !== undefined || !mayCome());
      if (waited !== 'ready') return { kind: waited };
    }
    const found = bytes();
    return found === undefined ? { kind: 'absent' } : { kind: 'part', bytes: found };
  }

  /** One playlist for all who ask for the same before it changes. */
  #render(view: LiveView, rendition: string, form: LiveForm, ranges: readonly DateRange[]): Playlist {
    const { startSec, skip, iFrames, captions } = form;
    const { ended, window } = view.state;
    let rendered = this.#rendered.get(view);
    if (rendered?.version !== view.version) {
      rendered = { version: view.version, playlists: new Map() };
      this.#rendered.set(view, rendered);
    }
    const key = [rendition, startSec, skip, iFrames, captions].join();
    let playlist = rendered.playlists.get(key);
    if (playlist === undefined) {
      const others = (window?.renditions ?? []).map(({ name }) => String(name)).filter((name) => name !== rendition);
      const lowLatency = ended ? undefined : view.parts.lowLatency(rendition, others, window?.last ?? -1);
      playlist = mediaPlaylist(window, rendition, { ...form, ended, lowLatency, dateRanges: ranges });
      rendered.playlists.set(key, playlist);
    }
    return playlist;
  }
}

/** Captions come with the segments of a picture. */
function captionedBeside(view: LiveView, otherwise: string): string {
  const { window } = view.state;
  return (window === undefined ? undefined : captionedRendition(window)) ?? otherwise;
}

function verdictOf(view: LiveView, rendition: string, reload: ReloadQuery): ReloadVerdict {
  const lastSequence = view.lastSequence(rendition);
  const verdict = judgeReload(reload, {
    ended: view.ended,
    lastSequence,
    partsOf: (mediaSequence) => view.parts.parts(rendition)?.partials.get(mediaSequence)?.parts.length,
    partTargetUs: partDurationUs,
  });
  const mayBeTold = verdict === 'too-far' && !view.isJoined && reload.mediaSequence <= lastSequence + unheardMax;
  return mayBeTold ? 'wait' : verdict;
}
