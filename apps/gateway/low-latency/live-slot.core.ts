import { countedNumber, periodSpans, type Beginning } from '#core/dash';
import type { PartialSegments } from '#core/hls';
import type { CountedPlace } from '../origin/counted-segments.ts';
import type { Segment } from '../origin/segment-rows.ts';
import type { StreamWindow } from '../origin/stream-window.ts';
import type { LiveParts } from './live-parts.core.ts';

/** What comes next of a stretch that players count to. */
export type SlotState =
  | { readonly kind: 'stored'; readonly segment: Segment }
  | { readonly kind: 'growing'; readonly mediaSequence: number; readonly run: string }
  /** Nobody has begun it, or what is left of it; it may come. */
  | { readonly kind: 'awaited'; readonly ahead: number }
  /** Nothing more of it comes. */
  | { readonly kind: 'over' }
  /** It is of another period. */
  | { readonly kind: 'elsewhere' };

/** A stream at one moment. */
export interface SlotView {
  readonly parts: LiveParts;
  readonly window: StreamWindow | undefined;
  readonly ended: boolean;
}

/**
 * What there is of a stretch of a rendition, or may yet come.
 * @param after what was told of it already: media sequence number of the last segment; -1 for none
 */
export function slotState(view: SlotView, place: CountedPlace, after: number): SlotState {
  const { rendition, number } = place;
  const slots = slotsOf(view, place);
  if (slots === undefined) return { kind: 'elsewhere' };
  const { stored, begun, edgeUs, nextPeriod, numberOf } = slots;
  const next = [...stored, ...begun].filter((one) => one.mediaSequence > after && numberOf(one.startUs) === number);
  const first = Math.min(...next.map(({ mediaSequence }) => mediaSequence));
  const segment = stored.find(({ mediaSequence }) => mediaSequence === first);
  if (segment !== undefined) return { kind: 'stored', segment };
  const growth = view.parts.segment(rendition, first);
  if (growth.kind === 'growing') return { kind: 'growing', mediaSequence: first, run: growth.growth.run };
  const before = stored.find(({ mediaSequence }) => mediaSequence === after);
  const isFull = before !== undefined && numberOf(before.startUs + before.durationUs) > number;
  const newest = Math.max(...[...stored, ...begun].map(({ startUs }) => numberOf(startUs)));
  if (view.ended || isFull || newest > number || nextPeriod !== undefined) return { kind: after < 0 && nextPeriod !== undefined ? 'elsewhere' : 'over' };
  return { kind: 'awaited', ahead: after < 0 ? number - Math.max(newest, numberOf(edgeUs) - 1) : 0 };
}

/** All segments of a stretch, once nothing more of it comes; undefined before. */
export function storedSlot(view: SlotView, place: CountedPlace): readonly Segment[] | undefined {
  const segments: Segment[] = [];
  for (;;) {
    const state = slotState(view, place, segments.at(-1)?.mediaSequence ?? -1);
    if (state.kind === 'growing' || state.kind === 'awaited') return undefined;
    if (state.kind !== 'stored') return segments;
    segments.push(state.segment);
  }
}

/** Whoever asks for older ones is answered from the rows. */
const newestMax = 64;

interface Slots {
  /** Of the period, in order. */
  readonly stored: readonly Segment[];
  /** Those of which parts were told, some of them stored. */
  readonly begun: readonly PartialSegments[];
  /** Where what is stored of the stream ends on its timeline. */
  readonly edgeUs: number;
  /** Where the next period begins, if it has. */
  readonly nextPeriod: number | undefined;
  readonly numberOf: (placeUs: number) => number;
}

/** Whether the stream has that rendition, or anybody has told of it. */
export function isMade({ parts, window }: Pick<SlotView, 'parts' | 'window'>, rendition: string): boolean {
  return window === undefined || window.everyRendition.some(({ name }) => name === rendition) || parts.parts(rendition) !== undefined;
}

/** Undefined while nobody has begun that period, and for what the stream does not have. */
function slotsOf({ parts, window }: SlotView, { rendition, period }: CountedPlace): Slots | undefined {
  if (window === undefined || !isMade({ parts, window }, rendition)) return undefined;
  const begun = [...(parts.parts(rendition)?.all ?? [])];
  const span = spanOf(window, parts, period);
  if (span === undefined) return undefined;
  const segmentUs = Number(window.stream['segment_duration_ms']) * 1000;
  const stored = window.segments(rendition).slice(-newestMax);
  const nextPeriod = span.next ?? changeOf({ window, stored, begun }, rendition, period);
  const isWithin = ({ mediaSequence }: Pick<Segment, 'mediaSequence'>): boolean => mediaSequence >= period && mediaSequence < (nextPeriod ?? Infinity);
  return {
    stored: stored.filter(isWithin),
    begun: begun.filter(isWithin),
    edgeUs: Math.max(parts.endUs, Number(window.stream['end_us'] ?? 0)),
    nextPeriod,
    numberOf: (placeUs) => countedNumber(placeUs, span, segmentUs),
  };
}

/** The period that begins at a number, and where the next one does, by the same rule as in manifests: a change of one rendition ends it for all. */
function spanOf(window: StreamWindow, parts: LiveParts, period: number): ReturnType<typeof periodSpans>[number] | undefined {
  const stored = window.beginnings().map((one) => ({ ...one, inits: window.inits(one.mediaSequence) }));
  const all = [...stored, ...begunRuns(window, parts, stored.at(-1)?.mediaSequence ?? -1)];
  const segmentUs = Number(window.stream['segment_duration_ms']) * 1000;
  const from = all.findIndex(({ mediaSequence }) => mediaSequence === period);
  return from < 0 ? undefined : periodSpans(all.slice(from), segmentUs)[0];
}

/** What began behind a break and is not stored yet. */
function begunRuns({ everyRendition }: StreamWindow, parts: LiveParts, after: number): readonly Beginning[] {
  const byNumber = new Map<number, Beginning>();
  for (const { name } of everyRendition)
    for (const { mediaSequence, discontinuity, initCid, startUs, programDateTimeMs } of parts.parts(String(name))?.all ?? []) {
      if (mediaSequence <= after || !(discontinuity || parts.breaks.has(mediaSequence))) continue;
      const { inits, ...known } = byNumber.get(mediaSequence) ?? { mediaSequence, startUs, programDateTimeMs, inits: {} };
      byNumber.set(mediaSequence, { ...known, inits: { ...inits, [String(name)]: initCid } });
    }
  return [...byNumber.values()].toSorted((a, b) => a.mediaSequence - b.mediaSequence);
}

/** A rendition has one initialisation from the beginning of a period to its end. */
function changeOf(
  { window, stored, begun }: Pick<Slots, 'stored' | 'begun'> & { readonly window: StreamWindow },
  rendition: string,
  period: number,
): number | undefined {
  const changed = window.changes(rendition).find((number) => number > period);
  const newest = begun.at(-1);
  if (changed !== undefined || newest === undefined || !newest.discontinuity || newest.mediaSequence <= period) return changed;
  const before = stored.findLast(({ mediaSequence }) => mediaSequence < newest.mediaSequence);
  return before?.initCid === newest.initCid ? undefined : newest.mediaSequence;
}
