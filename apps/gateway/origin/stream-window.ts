import { dvrWindowMsMin, isComplete, type StreamStatus } from '#domain/stream';
import type { Millis } from '#kernel';
import type { ReadRow } from '#ports';
import { newestRenditions, type StreamReader } from '../streams/stream-reader.ts';
import type { SegmentList, SegmentLists } from './segment-lists.ts';
import type { Segment } from './segment-rows.ts';

/** A key frame may stand this little before the grid, and sound begins up to two frames after it. */
const beforeGridUs = 50_000;

/** Segments that are on the log and perhaps not in the rows yet. */
export interface SegmentTail {
  /** Newest media sequence number; -1 for none. */
  readonly last: number;
  /** Where the newest ends on the stream's timeline, microseconds. */
  readonly endUs: number;
  /** Numbers that were told to begin behind a break, in whichever rendition: they stay so, whether they are ever stored or not. */
  readonly breaks: ReadonlySet<number>;
  /** Of one rendition, in order. */
  readonly of: (rendition: string) => readonly Segment[];
}

const noTail: SegmentTail = { last: -1, endUs: 0, breaks: new Set(), of: () => [] };

/** Media sequence numbers, both included. */
export interface StreamPart {
  readonly first: number;
  readonly last: number;
}

/** What of a stream its window shows. */
export interface WindowForm {
  readonly tail?: SegmentTail | undefined;
  /** These segments alone. */
  readonly part?: StreamPart | undefined;
}

export interface StreamWindowInit {
  readonly stream: ReadRow;
  /** All that there ever were, best first. */
  readonly everyRendition: readonly ReadRow[];
  /** Everything from the first segment on; else what viewers of the live stream can go back to. */
  readonly whole: boolean;
}

/** The part of a stream that its manifests show: the same in all of them, whichever rendition has segments in it. */
export class StreamWindow {
  readonly first: number;
  readonly last: number;
  readonly #init: StreamWindowInit;
  readonly #lists: ReadonlyMap<string, SegmentList>;
  readonly #breaks: ReadonlySet<number>;

  private constructor(init: StreamWindowInit, lists: ReadonlyMap<string, SegmentList>, { first, last }: StreamPart, breaks: ReadonlySet<number>) {
    this.#init = init;
    this.#lists = lists;
    this.#breaks = breaks;
    this.first = first;
    this.last = last;
  }

  /** Undefined for a stream without a segment. */
  static async open(
    streams: Pick<StreamReader, 'everyRendition'>,
    lists: SegmentLists,
    stream: ReadRow,
    whole: boolean,
    { part }: Pick<WindowForm, 'part'> = {},
  ): Promise<StreamWindow | undefined> {
    if (lastOf(stream) < 0) return undefined;
    return (await StoredStream.read(streams, lists, stream, whole)).window({ part });
  }

  /** The window that rows make together with what they do not have yet. Undefined for a stream without a segment. */
  static of(init: StreamWindowInit, stored: ReadonlyMap<string, SegmentList>, { tail = noTail, part }: WindowForm = {}): StreamWindow | undefined {
    const { stream, whole } = init;
    const last = Math.max(lastOf(stream), tail.last);
    if (last < 0) return undefined;
    const byName = new Map([...stored].map(([rendition, list]) => [rendition, withTail(list, tail.of(rendition))]));
    const begins = Number(stream['first_media_sequence'] ?? 0);
    if (part !== undefined && part.first <= last) {
      const within = { first: Math.max(part.first, begins), last: Math.min(part.last, last) };
      return new StreamWindow({ ...init, whole: true }, byName, within, tail.breaks);
    }
    const fromUs = whole ? 0 : windowStartUs(stream, tail);
    const first = whole ? begins : (firstSince(byName, fromUs) ?? last);
    return new StreamWindow(init, byName, { first, last }, tail.breaks);
  }

  get stream(): ReadRow {
    return this.#init.stream;
  }

  /** Nothing follows in it: a recording, or a part of one. */
  get isWhole(): boolean {
    return this.#init.whole;
  }

  /** What the newest encoder makes, best first. */
  get renditions(): readonly ReadRow[] {
    return newestRenditions(this.#init.stream, this.#init.everyRendition);
  }

  get everyRendition(): readonly ReadRow[] {
    return this.#init.everyRendition;
  }

  /** The segments of a rendition within the window. */
  segments(rendition: string): readonly Segment[] {
    const segments = this.#lists.get(rendition)?.segments ?? [];
    const from = firstIndex(segments, this.first);
    const end = firstIndex(segments, this.last + 1);
    return from === 0 && end === segments.length ? segments : segments.slice(from, end);
  }

  /** The segment that precedes the window: the newest of whichever rendition, of this one if it has it; undefined when none is at hand. */
  predecessor(rendition: string): Segment | undefined {
    let newest: Segment | undefined;
    for (const segments of this.#beside(rendition)) {
      const before = segments[firstIndex(segments, this.first) - 1];
      if (before !== undefined && before.mediaSequence > (newest?.mediaSequence ?? -1)) newest = before;
    }
    return newest;
  }

  /** Finds the segment of a number, of a rendition or, where it has none, of another one: of the same one whenever it is asked. */
  placesBeside(rendition: string): (mediaSequence: number) => Segment | undefined {
    const all = this.#beside(rendition);
    return (mediaSequence) => {
      for (const segments of all) {
        const found = segments[firstIndex(segments, mediaSequence)];
        if (found?.mediaSequence === mediaSequence) return found;
      }
      return undefined;
    };
  }

  /** Of a rendition, then of all others in the order of their names. */
  #beside(rendition: string): ReadonlyArray<readonly Segment[]> {
    const names = [...this.#lists.keys()].filter((name) => name !== rendition).toSorted();
    return [rendition, ...names].map((name) => this.#lists.get(name)?.segments ?? []);
  }

  /**
   * The first segment of the stream, and each behind a discontinuity, in order, also those before the window: one per media
   * sequence, of the best rendition that has it.
   */
  beginnings(): readonly Segment[] {
    const byNumber = new Map<number, Segment>();
    for (const { name } of this.#init.everyRendition)
      for (const segment of this.#lists.get(String(name))?.beginnings ?? [])
        if (!byNumber.has(segment.mediaSequence)) byNumber.set(segment.mediaSequence, segment);
    const all = [...byNumber.values()].toSorted((a, b) => a.mediaSequence - b.mediaSequence);
    // A rendition that came later than the others begins without a break.
    return all.filter(({ discontinuity }, at) => at === 0 || discontinuity);
  }

  /** Initialisations of the renditions that begin at a number, by name. */
  inits(mediaSequence: number): Readonly<Record<string, string>> {
    const found = [...this.#lists].flatMap(([name, { beginnings }]) => {
      const beginning = beginnings.find((one) => one.mediaSequence === mediaSequence);
      return beginning === undefined ? [] : [[name, beginning.initCid] as const];
    });
    return Object.fromEntries(found);
  }

  /** Numbers at which a rendition begins with another initialisation than it had, also those before the window. */
  changes(rendition: string): readonly number[] {
    const beginnings = this.#lists.get(rendition)?.beginnings ?? [];
    return beginnings.flatMap(({ mediaSequence, initCid }, at) => (at > 0 && beginnings[at - 1]?.initCid !== initCid ? [mediaSequence] : []));
  }

  /** Where time or parameters break, in whichever rendition; numbers before the window as well. */
  discontinuities(): readonly number[] {
    const stored = this.beginnings().flatMap(({ discontinuity, mediaSequence }) => (discontinuity ? [mediaSequence] : []));
    return this.#breaks.size === 0 ? stored : [...new Set([...stored, ...this.#breaks])].toSorted((a, b) => a - b);
  }
}

/** What the rows had of a stream at one time. Windows are cut from it without asking anybody, so that all of one is of one moment. */
export class StoredStream {
  readonly #init: StreamWindowInit;
  readonly #lists: ReadonlyMap<string, SegmentList>;

  private constructor(init: StreamWindowInit, lists: ReadonlyMap<string, SegmentList>) {
    this.#init = init;
    this.#lists = lists;
  }

  static async read(streams: Pick<StreamReader, 'everyRendition'>, lists: SegmentLists, stream: ReadRow, whole: boolean): Promise<StoredStream> {
    const everyRendition = await streams.everyRendition(stream);
    const wanted = { streamId: String(stream['stream_id']), fromUs: whole ? 0 : windowStartUs(stream), last: lastOf(stream) };
    const names = everyRendition.map((row) => String(row['name']));
    const found = await Promise.all(names.map(async (rendition) => [rendition, await lists.list({ ...wanted, rendition })] as const));
    return new StoredStream({ stream, everyRendition, whole }, new Map(found));
  }

  get stream(): ReadRow {
    return this.#init.stream;
  }

  /** The newest segments of a rendition. */
  newest(rendition: string, count: number): readonly Segment[] {
    return (this.#lists.get(rendition)?.segments ?? []).slice(-count);
  }

  get renditions(): readonly string[] {
    return [...this.#lists.keys()];
  }

  window(form: WindowForm = {}): StreamWindow | undefined {
    return StreamWindow.of(this.#init, this.#lists, form);
  }
}

/** Number of the newest segment that a stream's row knows of; -1 for none. */
function lastOf(stream: ReadRow): number {
  return Number(stream['last_media_sequence'] ?? -1);
}

/** The log is the truth: a segment that the rows have is theirs. */
function withTail({ segments, beginnings }: SegmentList, tail: readonly Segment[]): SegmentList {
  const newest = segments.at(-1)?.mediaSequence ?? -1;
  const more = tail.filter(({ mediaSequence }) => mediaSequence > newest);
  if (more.length === 0) return { segments, beginnings };
  const all = [...segments, ...more];
  return { segments: all, beginnings: [...beginnings, ...more.filter((one) => one.discontinuity || one === all[0])] };
}

/**
 * Where the window begins on the stream's timeline. On the grid of segments: the ends of renditions differ by a frame, and
 * the place must never move back.
 */
export function windowStartUs(stream: ReadRow, { endUs }: Pick<SegmentTail, 'endUs'> = noTail): number {
  const gridUs = Number(stream['segment_duration_ms']) * 1000;
  const windowUs = Number(stream['dvr_window_ms'] ?? dvrWindowMsMin) * 1000;
  return Math.max(0, Math.floor((Math.max(Number(stream['end_us']), endUs) - windowUs) / gridUs) * gridUs - beforeGridUs);
}

/** By whichever rendition has a segment there first: pictures may have come later than the sound. All begin theirs within two frames of each other. */
function firstSince(lists: ReadonlyMap<string, SegmentList>, fromUs: number): number | undefined {
  const firsts = [...lists.values()].flatMap(({ segments }) => segments.find(({ startUs }) => startUs >= fromUs)?.mediaSequence ?? []);
  return firsts.length === 0 ? undefined : Math.min(...firsts);
}

/** Index of the first segment with this number or a greater one. */
function firstIndex(segments: readonly Segment[], mediaSequence: number): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((segments[middle] as Segment).mediaSequence < mediaSequence) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** True when nothing can follow any more. */
export function hasEnded(stream: ReadRow, nowMs: Millis): boolean {
  const end = {
    status: stream['status'] as StreamStatus | null,
    statusAtMs: Number(stream['status_at_ms']),
    encodingStatus: stream['encoding_status'] as string | null,
    encodingReason: stream['encoding_reason'] as string | null,
  };
  return isComplete(end, nowMs);
}
