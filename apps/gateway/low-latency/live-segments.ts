import { missingSegment } from '#core/fmp4';
import { OperatingError } from '#kernel';
import { captionedRendition, captionsCid, emptyCaptionsName } from '../origin/caption-tracks.ts';
import type { CountedPlace } from '../origin/counted-segments.ts';
import type { SegmentState } from './live-parts.core.ts';
import type { Segment } from '../origin/segment-rows.ts';
import { isMade, slotState, storedSlot, type SlotView } from './live-slot.core.ts';
import type { LiveView } from './live-view.ts';
import type { LiveViews } from './live-views.ts';

/** Which segment. */
export interface SegmentPlace {
  readonly rendition: string;
  readonly mediaSequence: number;
}

/** The bytes of a stored segment. */
export type ReadStored = (cid: string) => Promise<Uint8Array>;

export type LiveSegment =
  | { readonly kind: 'stored'; readonly cid: string }
  /** Its bytes as they come. Throws where they break off. */
  | { readonly kind: 'growing'; readonly bytes: () => AsyncGenerator<Uint8Array, void> }
  /** Nobody can know of it yet. */
  | { readonly kind: 'far' }
  /** There is nothing of it, and never will be. */
  | { readonly kind: 'lost' }
  /** It did not come in time, or too many wait. */
  | { readonly kind: 'late' | 'full' };

/** What players count to. */
export type LiveSlot =
  /** Its bytes as they come, and whether anything has come yet. Throws where they break off. */
  { readonly kind: 'growing' | 'held'; readonly bytes: (read: ReadStored) => AsyncGenerator<Uint8Array, void> } | { readonly kind: 'far' | 'lost' | 'full' };

/** Segments by their numbers before the rows have them: while they are made, part after part, as LL-DASH players read them. */
export class LiveSegments {
  readonly #views: LiveViews;

  constructor(views: LiveViews) {
    this.#views = views;
  }

  /** Undefined where all is as the rows say: the stream has no live edge, or none any more. */
  async find(streamId: string, place: SegmentPlace): Promise<LiveSegment | undefined> {
    const view = await this.#views.of(streamId);
    if (view === undefined) return undefined;
    await view.ready();
    const { rendition, mediaSequence } = place;
    if (!isMade(viewed(view), rendition)) return { kind: 'far' };
    const state = (): SegmentState => (view.ended ? { kind: 'lost' } : view.parts.segment(rendition, mediaSequence));
    if (state().kind === 'soon') {
      if (this.#views.full) return { kind: 'full' };
      const waited = await view.wait(`${rendition} ${mediaSequence} begins`, () => state().kind !== 'soon');
      const still = state();
      if (waited !== 'ready') return { kind: waited === 'late' && still.kind === 'soon' && !still.isNext ? 'far' : waited };
    }
    const found = state();
    if (found.kind === 'growing') return { kind: 'growing', bytes: () => bytesOf(view, place, found.growth.run) };
    return found.kind === 'soon' || found.kind === 'far' ? { kind: 'far' } : found;
  }

  /** The same of what players count to; undefined without a live edge. */
  async counted(streamId: string, place: CountedPlace): Promise<LiveSlot | undefined> {
    const view = await this.#views.of(streamId);
    if (view === undefined) return undefined;
    await view.ready();
    const state = slotState(viewed(view), place, -1);
    const bytes = (read: ReadStored): AsyncGenerator<Uint8Array, void> => slotBytes(view, place, read);
    switch (state.kind) {
      case 'elsewhere':
      case 'over':
        return { kind: 'lost' };
      case 'awaited':
        if (state.ahead > heldAheadMax) return { kind: 'far' };
        return this.#views.full ? { kind: 'full' } : { kind: 'held', bytes };
      case 'stored':
      case 'growing':
        return { kind: 'growing', bytes };
    }
  }

  /** The picture that captions go with; undefined without a live edge. */
  async #captioned(streamId: string): Promise<{ readonly view: LiveView; readonly rendition: string } | undefined> {
    const view = await this.#views.of(streamId);
    if (view === undefined) return undefined;
    await view.ready();
    const { window } = view.state;
    const rendition = window === undefined ? undefined : captionedRendition(window);
    return rendition === undefined ? undefined : { view, rendition };
  }

  /**
   * The captions of a segment that the rows do not have yet: what they were stored as, or that there are none. They are there
   * with the whole of the segment, which is waited for. Undefined for what nobody can know of yet, and without a live edge.
   */
  async captions(streamId: string, channel: string, mediaSequence: number): Promise<string | undefined> {
    const captioned = await this.#captioned(streamId);
    if (captioned === undefined) return undefined;
    const { rendition, view } = captioned;
    const state = (): SegmentState => (view.ended ? { kind: 'lost' } : view.parts.segment(rendition, mediaSequence));
    if (state().kind === 'far' && !isHeld(state())) return undefined;
    // Until the picture that they go with is stored there are none.
    const waits = (): boolean => isHeld(state()) || state().kind === 'growing';
    if (waits() && !this.#views.full) await view.wait(`${rendition} ${mediaSequence} stored`, () => !waits());
    const segment = view.parts.of(rendition).find((one) => one.mediaSequence === mediaSequence);
    return (segment === undefined ? undefined : captionsCid(segment, channel)) ?? emptyCaptionsName;
  }

  /** The same of what players count to: one for each run that has something to say in it. */
  async countedCaptions(streamId: string, channel: string, counted: Omit<CountedPlace, 'rendition'>): Promise<readonly string[] | undefined> {
    const captioned = await this.#captioned(streamId);
    if (captioned === undefined) return undefined;
    const { rendition, view } = captioned;
    const place = { rendition, ...counted };
    const stored = (): readonly Segment[] | undefined => storedSlot(viewed(view), place);
    const first = slotState(viewed(view), place, -1);
    if (first.kind === 'awaited' && first.ahead > heldAheadMax) return undefined;
    // Until the picture that they go with is stored there are none.
    if (stored() === undefined && !this.#views.full) await view.wait(`${rendition} p${place.period}-${place.number} stored`, () => stored() !== undefined);
    return (stored() ?? []).flatMap((segment) => captionsCid(segment, channel) ?? []);
  }
}

function viewed(view: LiveView): SlotView {
  const { window, ended } = view.state;
  return { parts: view.parts, window, ended };
}

/** Players that count on while nobody publishes are this far ahead at most, segments: the grace period of a stream, and some. */
const heldAheadMax = 40;
/** Shorter than players wait for an answer: dash.js 5.2 for 20 s, Shaka Player 5.2 for 30 s. */
const heldMsMax = 15_000;
/** Shaka Player gives up an answer that does not progress for 5 s. What is less than 16,000 bytes is no progress to it. */
const beatMs = 3000;
/** ISO/IEC 14496-12 section 8.1.2: an empty box that everybody skips. */
const freeBox = new Uint8Array(16_384);
freeBox.set([0, 0, freeBox.length >> 8, 0, 0x66, 0x72, 0x65, 0x65]);

function isHeld(state: SegmentState): boolean {
  return state.kind === 'soon' || (state.kind === 'far' && state.ahead <= heldAheadMax);
}

/**
 * What players count to, one segment after the other where runs meet in it. What nobody has begun is held: while a publisher is
 * away it is what it begins with when it comes back, so that nobody misses it or has to be told; and so is the rest of what another
 * run has begun. Something comes meanwhile, for players give up what nothing comes of. What does not come in time is nothing; a
 * player goes on to the next.
 */
async function* slotBytes(view: LiveView, place: CountedPlace, read: ReadStored): AsyncGenerator<Uint8Array, void> {
  const { rendition, number, period } = place;
  for (let after = -1, heldMs = 0; ;) {
    const state = slotState(viewed(view), place, after);
    if (state.kind === 'growing') {
      yield* bytesOf(view, { rendition, mediaSequence: state.mediaSequence }, state.run);
      [after, heldMs] = [state.mediaSequence, 0];
    } else if (state.kind === 'stored') {
      yield await read(state.segment.cid);
      [after, heldMs] = [state.segment.mediaSequence, 0];
    } else if (state.kind === 'awaited' && heldMs < heldMsMax) {
      const isDecided = (): boolean => slotState(viewed(view), place, after).kind !== 'awaited';
      if ((await view.wait(`${rendition} p${period}-${number} behind ${after}`, isDecided, beatMs)) !== 'ready') yield freeBox;
      heldMs += beatMs;
    } else {
      if (after < 0) yield missingSegment();
      return;
    }
  }
}

async function* bytesOf(view: LiveView, { rendition, mediaSequence }: SegmentPlace, run: string): AsyncGenerator<Uint8Array, void> {
  for (let index = 0; ; index++) {
    const grown = (): boolean => {
      const { length, end } = view.parts.growth(rendition, mediaSequence, run) ?? brokenOff;
      return length > index || end !== 'open';
    };
    if (!grown()) {
      const waited = await view.wait(`${rendition} ${mediaSequence} ${run} ${index}`, grown);
      if (waited !== 'ready') throw new SegmentBrokenError('The rest of the segment did not come.');
    }
    const { length, end } = view.parts.growth(rendition, mediaSequence, run) ?? brokenOff;
    const bytes = length > index ? view.parts.parts(rendition)?.bytes(mediaSequence, index, run) : undefined;
    if (bytes !== undefined) yield bytes;
    else if (end === 'whole' && length <= index) return;
    else throw new SegmentBrokenError(length > index ? 'Its reader is too slow.' : 'Nobody makes the rest of the segment any more.');
  }
}

const brokenOff = { length: 0, end: 'broken' } as const;

/** What was sent of a segment is not all of it: the connection must say so by its end. */
class SegmentBrokenError extends OperatingError {
  constructor(message: string) {
    super(message, { code: 'SEGMENT_BROKEN', retryable: true });
  }
}
