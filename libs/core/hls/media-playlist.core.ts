import { dateTime } from '#kernel';
import { dateRangeTag, rangesWithin } from './date-range.core.ts';
import { partLines, preloadHint, renditionReport, serverControl } from './low-latency.core.ts';
import { partTargetsListed, skipBoundaryTargets, type MediaPlaylist, type PartialSegments, type PlaylistSegment, type SegmentPlace } from './playlist.ts';
import { startTag } from './start-tag.ts';

/** At most this many missing segments in a row become gap entries: a corrupt number must not render millions of lines. */
const gapEntriesMax = 1000;
/** What an entry without media names, beside its playlist: there is no such file, and 4.4.4.7 has clients not ask for it. */
export const gapName = 'gap.m4s';

/**
 * Renders a media playlist (RFC 8216bis section 4.4.3), or with `skip` what is new in it. Pure: the same input gives the
 * same bytes. A delta update looks at the segments that it lists alone, however many it leaves out.
 * URIs are relative to `/live/<streamId>/<rendition>.m3u8`, so the playlist works on any host and below any path prefix.
 */
export function renderMedia(asked: MediaPlaylist): string {
  const playlist = asked.iFrames === true ? { ...asked, segments: asked.segments.filter(({ keyFrames }) => keyFrames?.[0] !== undefined) } : asked;
  const { segments, window } = playlist;
  const first = window?.first ?? segments[0]?.mediaSequence ?? 0;
  const kept = playlist.skip === true && !playlist.ended ? firstKept(playlist) : 0;
  const before = segments[kept - 1];
  const skipped = before === undefined ? 0 : before.mediaSequence + 1 - first;
  const lines = [...header(playlist, first, skipped), ...dateRanges(playlist)];
  const previous = before ?? playlist.predecessor;
  const endUs = previous === undefined ? undefined : endOf(previous);
  const clock = before ?? unbroken(playlist, first);
  const removed = previous === undefined ? 0 : first + skipped - previous.mediaSequence - 1;
  const state: RenderState = { next: first + skipped, removed, initCid: before?.initCid, endUs, clock, partsFromUs: partsFrom(playlist), playlist };
  for (let index = kept; index < segments.length; index++) {
    const segment = segments[index] as PlaylistSegment;
    if (segment.mediaSequence < state.next) continue;
    lines.push(...gapsUntil(state, segment.mediaSequence, segment.startUs), ...entry(state, segment));
  }
  // Of a rendition that has none yet all are gaps; of one whose segments have no key frames that are known nothing is said.
  if (window !== undefined && (state.initCid !== undefined || asked.segments.length === 0)) lines.push(...gapsUntil(state, window.last + 1, undefined));
  lines.push(...liveEdge(state));
  // 4.4.3.4: no more segments will be added. A recording always ends; a live playlist never shows the tag.
  if (playlist.ended) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}

/** The segment before the first, unless time breaks between the two. */
function unbroken({ predecessor, discontinuities }: MediaPlaylist, first: number): PlaylistSegment | undefined {
  for (let between = (predecessor?.mediaSequence ?? first) + 1; between < first; between++) if (discontinuities?.has(between) === true) return undefined;
  return predecessor;
}

/**
 * Index of the first segment that a delta update must list: one that begins within the skip boundary of the end, or whose
 * predecessor does not tell where the numbering stands (6.2.5.1).
 */
function firstKept({ segments, window, targetDurationSec, placeOf }: MediaPlaylist): number {
  const last = segments.at(-1);
  if (last === undefined) return 0;
  const gaps = Math.max(0, (window?.last ?? 0) - last.mediaSequence);
  const newest = gaps === 0 ? last : placeOf?.(last.mediaSequence + gaps);
  // Gaps at the end that no rendition has last a target duration each.
  const endUs = newest === undefined ? endOf(last) + gaps * targetDurationSec * 1_000_000 : endOf(newest);
  const boundaryUs = endUs - skipBoundaryTargets * targetDurationSec * 1_000_000;
  let index = segments.length;
  while (index > 0 && endOf(segments[index - 1] as PlaylistSegment) > boundaryUs) index--;
  return index;
}

function endOf({ startUs, durationUs }: Pick<PlaylistSegment, 'startUs' | 'durationUs'>): number {
  return startUs + durationUs;
}

/** Where on the stream's timeline a segment must begin for its parts to be listed: 6.2.2 wants them gone when they are older. */
function partsFrom({ lowLatency, segments, targetDurationSec }: MediaPlaylist): number {
  const newest = segments.at(-1);
  let endUs = newest === undefined ? 0 : endOf(newest);
  for (const { startUs, parts } of lowLatency?.partials.values() ?? [])
    endUs = Math.max(
      endUs,
      parts.reduce((us, { durationUs }) => us + durationUs, startUs),
    );
  return endUs - partTargetsListed * targetDurationSec * 1_000_000;
}

interface RenderState {
  /** Media sequence number that the next line must have. */
  next: number;
  initCid: string | undefined;
  /** Where the entry before ends on the stream's timeline, microseconds. */
  endUs: number | undefined;
  /** Gaps before `next` that are not listed any more, since `endUs`. */
  removed: number;
  /** The entry that wall clock is told from. */
  clock: Pick<PlaylistSegment, 'startUs' | 'programDateTimeMs'> | undefined;
  /** Parts are listed of segments that begin here or later. */
  readonly partsFromUs: number;
  readonly playlist: MediaPlaylist;
}

/** 4.4.4.9: lists of key frames and captions have none. */
function hasParts({ iFrames, captionsOf }: MediaPlaylist): boolean {
  return iFrames !== true && captionsOf === undefined;
}

/** What there is of the segment behind the last one, and what clients ask for next. */
function* liveEdge(state: RenderState): Generator<string> {
  const { lowLatency, ended } = state.playlist;
  if (lowLatency === undefined || ended || !hasParts(state.playlist)) return;
  const opens = [...lowLatency.partials.values()].filter(({ mediaSequence, parts }) => mediaSequence >= state.next && parts.length > 0);
  const open = opens.toSorted((a, b) => a.mediaSequence - b.mediaSequence).at(-1);
  if (open !== undefined) {
    yield* gapsUntil(state, open.mediaSequence, open.startUs);
    yield* preface(state, open, open.discontinuity);
    yield* partLines(open.parts);
  }
  yield* preloadHint(lowLatency.hint);
  for (const report of lowLatency.reports) yield renditionReport(report);
}

function* header(playlist: MediaPlaylist, first: number, skipped: number): Generator<string> {
  const { targetDurationSec, ended } = playlist;
  // 4.4.1.1: the first line of every playlist.
  yield '#EXTM3U';
  // 4.4.1.2 and 8: EXT-X-MAP in a playlist that is not I-frames-only needs 6, EXT-X-SKIP 9; 7 is what fragmented MP4 players expect.
  yield `#EXT-X-VERSION:${skipped > 0 ? 9 : 7}`;
  // 4.4.3.1: an upper bound of every rounded EXTINF; 6.2.1: it must not change.
  yield `#EXT-X-TARGETDURATION:${targetDurationSec}`;
  // 4.4.3.2 and 6.2.2: number of the first segment; it grows by one for each segment removed.
  yield `#EXT-X-MEDIA-SEQUENCE:${first}`;
  // 4.4.3.3: before the first segment and before any EXT-X-DISCONTINUITY; 6.2.2: it counts the discontinuities removed.
  yield `#EXT-X-DISCONTINUITY-SEQUENCE:${playlist.discontinuitySequence}`;
  // 4.4.3.5: VOD says that the playlist cannot change.
  if (ended) yield '#EXT-X-PLAYLIST-TYPE:VOD';
  // 4.4.3.6: each entry is one key frame, and its duration is the time to the next.
  if (playlist.iFrames === true) yield '#EXT-X-I-FRAMES-ONLY';
  // 4.4.2.1: each segment starts with a key frame and decodes alone.
  yield '#EXT-X-INDEPENDENT-SEGMENTS';
  yield* startTag(playlist.startSec);
  if (!ended) yield* serverControl(playlist);
  // 4.4.5.2: in place of the segments left out, with all their tags.
  if (skipped > 0) yield `#EXT-X-SKIP:SKIPPED-SEGMENTS=${skipped}`;
}

/** 4.4.5.1: they apply to the whole playlist, whose first program date tells where they lie. 6.2.5.1: an update repeats them. */
function dateRanges({ segments, dateRanges: ranges = [] }: MediaPlaylist): readonly string[] {
  const first = segments[0];
  if (first === undefined || ranges.length === 0) return [];
  // A range that is announced lies in the future still.
  return rangesWithin(ranges, first.programDateTimeMs, Number.POSITIVE_INFINITY).map(dateRangeTag);
}

function* entry(state: RenderState, segment: PlaylistSegment): Generator<string> {
  const { uriOf, captionsOf } = state.playlist;
  yield* preface(state, segment, segment.discontinuity);
  yield* partsOf(state, segment.mediaSequence);
  // 4.4.4.1: the real duration, in decimal; rounded it must not exceed the target duration.
  yield `#EXTINF:${seconds(segment.durationUs)},`;
  const keyFrame = state.playlist.iFrames === true ? segment.keyFrames?.[0] : undefined;
  // 4.4.4.2: with the boxes before it, which is all that a decoder needs.
  if (keyFrame !== undefined) yield `#EXT-X-BYTERANGE:${keyFrame.sizeBytes}@${keyFrame.offset}`;
  yield captionsOf?.(segment) ?? uriOf?.(segment) ?? mediaUri(segment.cid, 'm4s');
  state.next = segment.mediaSequence + 1;
  state.removed = 0;
  state.endUs = endOf(segment);
}

/** What stands before a segment and, when there are any, before its first part (4.4.4.9). */
function* preface(state: RenderState, segment: Omit<PartialSegments, 'parts'>, own: boolean): Generator<string> {
  yield* discontinuity(state, segment.mediaSequence, own);
  // 4.4.4.5: applies to every segment until the next one.
  const needsInit = state.playlist.uriOf === undefined && state.playlist.captionsOf === undefined;
  if (needsInit && segment.initCid !== state.initCid) yield `#EXT-X-MAP:URI="${mediaUri(segment.initCid, 'mp4')}"`;
  // 4.4.4.6: wall clock of the first sample; 6.2.1 wants it on every segment after a discontinuity.
  yield programDate(segment.programDateTimeMs);
  state.initCid = segment.initCid;
  state.clock = segment;
}

/** The parts of a segment, while it is near the end of the playlist. */
function* partsOf({ playlist, partsFromUs }: RenderState, mediaSequence: number): Generator<string> {
  const partial = playlist.lowLatency?.partials.get(mediaSequence);
  if (partial === undefined || playlist.ended || !hasParts(playlist) || partial.startUs < partsFromUs) return;
  yield* partLines(partial.parts);
}

/** 4.4.4.3: timestamps or parameters change between the segment before and this one; 6.2.4: at the same place everywhere. */
function* discontinuity({ playlist: { discontinuities } }: RenderState, mediaSequence: number, own: boolean): Generator<string> {
  if (own || discontinuities?.has(mediaSequence) === true) yield '#EXT-X-DISCONTINUITY';
}

/**
 * 4.4.4.7: a number without media is listed and marked, because 6.2.2 allows no jump in the numbering. Another rendition that has
 * it tells at once what it lasts, and it lasts that for good (6.2.1).
 */
function* gapsUntil(state: RenderState, mediaSequence: number, untilUs: number | undefined): Generator<string> {
  const { placeOf = () => undefined } = state.playlist;
  const end = Math.min(mediaSequence, state.next + gapEntriesMax);
  while (state.next < end) {
    const place = placeOf(state.next);
    if (place !== undefined) {
      yield* placedGap(state, place);
      continue;
    }
    let behind = state.next + 1;
    while (behind < end && placeOf(behind) === undefined) behind++;
    yield* sharedGaps(state, behind, (behind < end ? placeOf(behind)?.startUs : undefined) ?? untilUs);
  }
  state.next = mediaSequence;
}

function* placedGap(state: RenderState, place: SegmentPlace): Generator<string> {
  const partial = partialOf(state);
  if (partial === undefined) {
    yield* discontinuity(state, state.next, false);
    yield programDate(place.programDateTimeMs);
  } else yield* preface(state, partial, partial.discontinuity);
  yield* gapEntry(state, place.durationUs);
  state.removed = 0;
  state.endUs = endOf(place);
  state.clock = place;
}

/** Numbers that no rendition has: they share the hole in time. */
function* sharedGaps(state: RenderState, mediaSequence: number, untilUs: number | undefined): Generator<string> {
  const count = mediaSequence - state.next;
  const { removed } = state;
  const durationUs = gapDuration(state, count + removed, untilUs);
  for (let index = 0; index < count; index++) {
    const partial = partialOf(state);
    if (partial === undefined) yield* gapPreface(state, state.next, (removed + index) * durationUs);
    else yield* preface(state, partial, partial.discontinuity);
    yield* gapEntry(state, durationUs);
  }
  state.removed += count;
}

function partialOf({ playlist, next }: RenderState): PartialSegments | undefined {
  return hasParts(playlist) ? playlist.lowLatency?.partials.get(next) : undefined;
}

function* gapEntry(state: RenderState, durationUs: number): Generator<string> {
  yield* partsOf(state, state.next);
  yield '#EXT-X-GAP';
  yield `#EXTINF:${seconds(durationUs)},`;
  yield gapName;
  state.next += 1;
}

/** With the date that its missing segment had or would have had, unless time breaks there. */
function* gapPreface(state: RenderState, mediaSequence: number, behindUs: number): Generator<string> {
  const { clock, endUs, playlist } = state;
  yield* discontinuity(state, mediaSequence, false);
  if (playlist.discontinuities?.has(mediaSequence) === true) state.clock = undefined;
  else if (clock !== undefined && endUs !== undefined)
    yield programDate(clock.programDateTimeMs + Math.floor((endUs + behindUs) / 1000) - Math.floor(clock.startUs / 1000));
}

/** The hole in time shared among the missing entries, or the target duration where the timeline does not tell. */
function gapDuration(state: RenderState, count: number, untilUs: number | undefined): number {
  const targetUs = state.playlist.targetDurationSec * 1_000_000;
  if (untilUs === undefined || state.endUs === undefined || untilUs <= state.endUs) return targetUs;
  return Math.min(targetUs, Math.round((untilUs - state.endUs) / count));
}

/** `/media/<cid>.<extension>` as seen from `/live/<streamId>/<rendition>.m3u8`. */
function mediaUri(cid: string, extension: 'm4s' | 'mp4'): string {
  return `../../media/${cid}.${extension}`;
}

function programDate(ms: number): string {
  return `#EXT-X-PROGRAM-DATE-TIME:${dateTime(ms)}`;
}

function seconds(microseconds: number): string {
  return (microseconds / 1_000_000).toFixed(6);
}
