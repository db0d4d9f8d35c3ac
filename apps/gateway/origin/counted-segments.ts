import { countedNumber, periodSpans, type Beginning, type CountedSpan } from '#core/dash';
import type { Clock, ReadRow } from '#ports';
import type { StreamReader } from '../streams/stream-reader.ts';
import { captionsCid } from './caption-tracks.ts';
import type { SegmentLists } from './segment-lists.ts';
import type { Segment } from './segment-rows.ts';
import { hasEnded } from './stream-window.ts';

/** A stretch of a rendition as players name it that count segments. */
export interface CountedPlace {
  readonly rendition: string;
  /** Media sequence number of the first segment of its period. */
  readonly period: number;
  readonly number: number;
}

/** What there is of it: one segment, or several where one run of the encoder went on with another's time. */
export interface CountedSegments {
  readonly segments: readonly Segment[];
  /** Nothing more of it comes. */
  readonly isOver: boolean;
  /** Nor can it: of a stream that has ended a last segment may be late. */
  readonly isSettled: boolean;
  /** There is nothing by that name, nor will be: no such rendition, or no period that begins there. */
  readonly unknown?: 'rendition' | 'period';
}

/** How periods begin: what is stored of it does not change. */
interface Begun {
  readonly span: CountedSpan;
  readonly inits: ReadonlyMap<string, string>;
  readonly beginning: Beginning;
  /** False where it goes on with what was before it: nobody was told of a period by that number. */
  readonly isPeriod: boolean;
  /** Up to this number no other one begins. */
  goesOnTo: number;
}

const none: CountedSegments = { segments: [], isOver: false, isSettled: false };
/** Runs that may have met within one segment. */
const meetingsMax = 16;
/** Numbers are never ahead of media sequence numbers, but for segments that lasted too long. */
const longMax = 64;
const begunMax = 10_000;
/** Of the newest numbers some renditions may not be stored yet. */
const settlingMax = 8;

/** Finds segments by what DASH players count, in the rows. */
export class CountedRows {
  readonly #streams: StreamReader;
  readonly #lists: SegmentLists;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #begun = new Map<string, Begun>();

  constructor(streams: StreamReader, lists: SegmentLists, clock: Pick<Clock, 'now'>) {
    this.#streams = streams;
    this.#lists = lists;
    this.#clock = clock;
  }

  /** None for what is not of that period. */
  async find(streamId: string, { rendition, period, number }: CountedPlace): Promise<CountedSegments> {
    const stream = number < period ? undefined : await this.#streams.row(streamId);
    const begun = stream === undefined ? undefined : await this.#periodOf(stream, period);
    if (stream === undefined || begun === undefined) return none;
    if (!begun.isPeriod) return { ...none, unknown: 'period' };
    const segmentUs = Number(stream['segment_duration_ms']) * 1000;
    const { span, inits } = begun;
    const next = await this.#nextOf(stream, begun);
    const from = {
      mediaSequence: Math.max(period, number - longMax),
      // It may begin in the second half of what is counted before.
      startUs: Math.max(0, span.mediaStartUs + (number - period - 1) * segmentUs),
    };
    const found = await this.#lists.since({ streamId, rendition }, from, meetingsMax);
    if (found.length === 0 && !(await this.#namesOf(stream)).includes(rendition)) return { ...none, unknown: 'rendition' };
    const initCid = inits.get(rendition);
    const isWithin = (segment: Segment): boolean => segment.mediaSequence < (next ?? Infinity) && (initCid === undefined || segment.initCid === initCid);
    const { segments, isPassed } = counted(found.filter(isWithin), { number, span, segmentUs });
    const isSettled = isPassed || !found.every(isWithin);
    return { segments, isOver: isSettled || hasEnded(stream, this.#clock.now()), isSettled };
  }

  /** Captions of a channel, one for each run that has something to say in it; undefined while more may come. */
  async captions(streamId: string, channel: string, place: Omit<CountedPlace, 'rendition'>): Promise<readonly string[] | undefined> {
    const stream = await this.#streams.row(streamId);
    const pictures = stream === undefined ? [] : (await this.#streams.everyRendition(stream)).filter(({ kind }) => kind === 'video');
    const found = await Promise.all(pictures.map(({ name }) => this.find(streamId, { rendition: String(name), ...place })));
    const whole = found.filter(({ segments, isOver }) => segments.length > 0 && isOver);
    if (whole.length === 0) return undefined;
    const said = whole.map(({ segments }) => segments.flatMap((segment) => captionsCid(segment, channel) ?? []));
    // Another picture may have been left out for a while.
    return said.find((cids) => cids.length > 0) ?? [];
  }

  async #periodOf(stream: ReadRow, period: number): Promise<Begun | undefined> {
    const streamId = String(stream['stream_id']);
    const key = `${streamId}/${period}`;
    const known = this.#begun.get(key);
    if (known !== undefined) return known;
    const names = await this.#namesOf(stream);
    const firsts = await Promise.all(names.map((rendition) => this.#lists.segment({ streamId, rendition, mediaSequence: period })));
    // As periods do: where the best rendition begins that has it.
    const leader = firsts.find((segment) => segment !== undefined);
    if (leader === undefined) return undefined;
    const inits = new Map(firsts.flatMap((segment, at) => (segment === undefined ? [] : [[names[at] as string, segment.initCid] as const])));
    const isPeriod = firsts.some((segment) => segment?.discontinuity) || period <= Number(stream['first_media_sequence'] ?? 0);
    const beginning = { ...leader, inits: Object.fromEntries(inits) };
    const begun = { span: { first: period, mediaStartUs: leader.startUs }, inits, beginning, isPeriod, goesOnTo: period };
    // Of a period that is just being stored others may be missing.
    if (inits.size === names.length || leader.mediaSequence < Number(stream['last_media_sequence'] ?? -1)) this.#keep(key, begun);
    return begun;
  }

  /** Where the next period begins, by the same rule as in manifests: a change of one rendition ends the period of all. */
  async #nextOf(stream: ReadRow, begun: Begun): Promise<number | undefined> {
    const streamId = String(stream['stream_id']);
    const names = await this.#namesOf(stream);
    const breaks = await Promise.all(
      names.map(async (rendition) => ({ rendition, all: await this.#lists.breaks({ streamId, rendition }, begun.goesOnTo + 1) })),
    );
    const byNumber = new Map<number, Beginning>();
    for (const { rendition, all } of breaks)
      for (const segment of all)
        byNumber.set(segment.mediaSequence, { ...segment, inits: { ...byNumber.get(segment.mediaSequence)?.inits, [rendition]: segment.initCid } });
    const later = [...byNumber.values()].toSorted((a, b) => a.mediaSequence - b.mediaSequence);
    const isLive = typeof stream['live_edge_url'] === 'string';
    const [span] = periodSpans([begun.beginning, ...later], isLive ? Number(stream['segment_duration_ms']) * 1000 : undefined);
    if (span?.next === undefined) begun.goesOnTo = Math.max(begun.goesOnTo, Number(stream['last_media_sequence'] ?? 0) - settlingMax);
    return span?.next;
  }

  async #namesOf(stream: ReadRow): Promise<readonly string[]> {
    return (await this.#streams.everyRendition(stream)).map(({ name }) => String(name));
  }

  #keep(key: string, begun: Begun): void {
    const [oldest] = this.#begun.keys();
    if (oldest !== undefined && this.#begun.size >= begunMax) this.#begun.delete(oldest);
    this.#begun.set(key, begun);
  }
}

/** What a number stands for. */
interface Slot {
  readonly number: number;
  readonly span: CountedSpan;
  readonly segmentUs: number;
}

interface Counted {
  readonly segments: readonly Segment[];
  /** They are as long as that, or there is media behind it. */
  readonly isPassed: boolean;
}

/** @param segments in order */
function counted(segments: readonly Segment[], { number, span, segmentUs }: Slot): Counted {
  const numberAt = (placeUs: number): number => countedNumber(placeUs, span, segmentUs);
  const within = segments.filter(({ startUs }) => numberAt(startUs) === number);
  const last = within.at(-1);
  const isFull = last !== undefined && numberAt(last.startUs + last.durationUs) > number;
  return { segments: within, isPassed: isFull || segments.some(({ startUs }) => numberAt(startUs) > number) };
}
