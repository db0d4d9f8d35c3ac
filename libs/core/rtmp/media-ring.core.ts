import { tagType, videoPayload } from '#core/flv';
import type { MediaMessage } from './session.types.ts';
import type { SlabPart } from './tag-buffer.core.ts';

/** A stretch of a slab that grows while tags follow each other in it. */
interface GrowingPart extends SlabPart {
  end: number;
}

/** Of a session's media as it lies: stretches of slabs, and tags that were made for it. */
export type RingPiece = SlabPart | Uint8Array;

/** What decoding can begin with, and all that came until the next such place. */
export interface RingGroup<Context> {
  /** What held when it began. */
  readonly context: Context;
  /** When it begins, ms of the session: decoded, and shown. */
  readonly startMs: number;
  readonly shownMs: number;
  /** Sound alone: there was no picture to begin with. */
  readonly isSound: boolean;
  /** Sound that was sent before the key frame and belongs behind it. */
  readonly lead: readonly SlabPart[];
  readonly pieces: readonly RingPiece[];
  readonly bytes: number;
}

interface Group<Context> extends RingGroup<Context> {
  readonly lead: SlabPart[];
  readonly pieces: Array<GrowingPart | Uint8Array>;
  bytes: number;
}

export interface RingInput<Context> {
  /** What holds now. */
  readonly context: () => Context;
  /** The session has no picture: its sound can be begun with anywhere. */
  readonly isSoundAlone: boolean;
  /** For the newest group, bytes, as long as no more than that is kept. */
  readonly bytesMax: number;
  /** No group is kept whose successor began longer ago, ms of media. */
  readonly keepMsMax: number;
}

/** Sound alone is cut into groups of so much, ms. */
const soundGroupMs = 1000;
/** A picture that has paused for so long is not waited for: its sound is cut as well, into longer groups. */
const pausedMs = 6000;
const pausedGroupMs = 10_000;

/**
 * A session's newest media, by groups of pictures. Usually that is the group that is not over, so that a reader who joins can decode
 * at once; bounded in bytes, and given up when it outgrows its bound. For a reader who says how far it has got (`keepFrom`) all groups
 * from there on are kept: after its death another one goes on from there. Whoever holds the ring bounds those (`dropOldest`).
 *
 * Keeps stretches of slabs, not tags: tags lie one behind the other, so a group is a few dozen stretches, and the tags'
 * own objects die young.
 */
export class MediaRing<Context> {
  #groups: Group<Context>[] = [];
  #bytes = 0;
  #keepMs: number | undefined;
  /** Sound since the newest picture, in the newest group: a key frame may belong before it. */
  #ahead: Array<{ readonly timestampMs: number; readonly parts: readonly SlabPart[] }> = [];
  #videoMs = 0;
  #isSeveral = false;
  /** False while frames come that the newest configuration is not of. */
  #isJoinable = true;

  get bytes(): number {
    return this.#bytes;
  }

  get isKept(): boolean {
    return this.#keepMs !== undefined;
  }

  /** The group that is not over; undefined when a joiner has to wait. */
  get newest(): RingGroup<Context> | undefined {
    const group = this.#groups.at(-1);
    return group === undefined || group.isSound || !this.#isJoinable ? undefined : group;
  }

  /** From the last group on that is shown at or before `ms`; from the oldest one that there is, where none is. */
  from(ms: number): readonly RingGroup<Context>[] {
    return this.#groups.slice(this.#firstFor(ms));
  }

  /** What is shown before `ms` is not needed again. The greatest that was said counts. */
  keepFrom(ms: number): void {
    this.#keepMs = Math.max(this.#keepMs ?? 0, ms);
    this.#forget();
  }

  /** Adds a sealed tag with frames; the ring holds its memory for as long as it keeps it. */
  add(message: MediaMessage, input: RingInput<Context>): void {
    const { tag, keyFrame, timestampMs, type, track } = message;
    if (track !== 0) this.#isSeveral = true;
    if (keyFrame) this.#begin(timestampMs, timestampMs + videoPayload(tag.peek(8)).compositionMs, input, false);
    else if (type === tagType.audio && this.#isSoundDue(timestampMs, input.isSoundAlone)) this.#begin(timestampMs, timestampMs, input, true);
    if (type === tagType.video) this.#sawPicture(timestampMs);
    const group = this.#groups.at(-1);
    if (group === undefined) return;
    this.#count(group, tag.tagBytes);
    if (!this.isKept && this.#bytes > input.bytesMax) return this.clear();
    if (this.isKept && type === tagType.audio) this.#ahead.push({ timestampMs, parts: tag.parts });
    for (const part of tag.parts) keepPart(group.pieces, part);
  }

  /** Adds a tag that is no media, in its place. */
  addBytes(bytes: Uint8Array): void {
    const group = this.#groups.at(-1);
    if (group === undefined) return;
    this.#count(group, bytes.length);
    group.pieces.push(bytes);
  }

  /** The picture is configured anew: who joins waits for a key frame of it. */
  reconfigured(): void {
    if (this.isKept) this.#isJoinable = false;
    else this.clear();
  }

  /** Sound that came before it was known that there is nothing else. */
  seed(startMs: number, parts: readonly SlabPart[], context: Context): void {
    if (!this.isKept || this.#groups.length > 0) return;
    const group: Group<Context> = { context, startMs, shownMs: startMs, isSound: true, lead: [], pieces: [], bytes: 0 };
    this.#groups.push(group);
    for (const part of parts) {
      this.#count(group, part.end - part.start);
      keepPart(group.pieces, part);
    }
  }

  /** Answers false when there is nothing left. */
  dropOldest(): boolean {
    const group = this.#groups.shift();
    if (group === undefined) return false;
    if (this.#groups.length === 0) this.#ahead = [];
    this.#bytes -= group.bytes;
    for (const { slab } of group.lead) slab.release();
    for (const piece of group.pieces) if ('slab' in piece) piece.slab.release();
    return true;
  }

  clear(): void {
    while (this.dropOldest());
  }

  #begin(startMs: number, shownMs: number, { context, keepMsMax }: RingInput<Context>, isSound: boolean): void {
    const lead: SlabPart[] = isSound ? [] : this.#ahead.flatMap(({ timestampMs, parts }) => (timestampMs >= startMs ? parts : []));
    for (const { slab } of lead) slab.retain();
    this.#ahead = [];
    const group: Group<Context> = { context: context(), startMs, shownMs, isSound, lead, pieces: [], bytes: 0 };
    this.#groups.push(group);
    this.#count(
      group,
      lead.reduce((sum, { start, end }) => sum + end - start, 0),
    );
    if (!isSound) this.#isJoinable = true;
    while ((this.#groups[1]?.startMs ?? startMs) < startMs - keepMsMax) this.dropOldest();
    this.#forget();
  }

  #sawPicture(timestampMs: number): void {
    this.#videoMs = timestampMs;
    while (this.#ahead[0] !== undefined && this.#ahead[0].timestampMs < timestampMs) this.#ahead.shift();
  }

  /** Only who goes on from a place needs to begin with sound: others wait for what comes. */
  #isSoundDue(timestampMs: number, isSoundAlone: boolean): boolean {
    const group = this.#groups.at(-1);
    if (!this.isKept) return false;
    if (isSoundAlone) return group === undefined || timestampMs - group.startMs >= soundGroupMs;
    return group !== undefined && timestampMs - this.#videoMs >= pausedMs && timestampMs - group.startMs >= pausedGroupMs;
  }

  #count(group: Group<Context>, bytes: number): void {
    group.bytes += bytes;
    this.#bytes += bytes;
  }

  #forget(): void {
    const first = this.#keepMs === undefined ? this.#groups.length - 1 : this.#firstFor(this.#keepMs);
    for (let n = 0; n < first; n++) this.dropOldest();
  }

  /** Further tracks have key frames of their own, a little before the first one's. */
  #firstFor(ms: number): number {
    const at = this.#groups.findLastIndex(({ shownMs }) => shownMs <= ms);
    return Math.max(0, this.#isSeveral ? at - 1 : at);
  }
}

function keepPart(pieces: Array<GrowingPart | Uint8Array>, { slab, start, end }: SlabPart): void {
  const last = pieces.at(-1);
  if (last !== undefined && 'slab' in last && last.slab === slab && last.end === start) {
    last.end = end;
    return;
  }
  slab.retain();
  pieces.push({ slab, start, end });
}
