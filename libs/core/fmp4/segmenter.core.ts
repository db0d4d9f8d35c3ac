import { assert } from '#kernel';
import { Fmp4Error } from './errors.ts';
import { cutFinder, type CutFinder, type KeyFrameSource } from './cut-finder.core.ts';
import type { Fragment } from './fragment.core.ts';
import type { TrackInit } from './init.core.ts';
import { RenditionCutter, type CutSegment, type PartialSegment, type SegmenterRendition } from './rendition-cutter.core.ts';

export interface SegmenterInit {
  /** Segments are cut at the first key frame at or after each multiple of this, microseconds of the stream's timeline. */
  readonly gridUs: number;
  /** `forced` by default; `as-they-come` leaves the grid to where the publisher's key frames are. */
  readonly keyFrames?: KeyFrameSource;
  readonly renditions: readonly SegmenterRendition[];
  /** Media sequence number of the first group. */
  readonly mediaSequence: number;
  /** How far one rendition may run ahead of another before that is an error, microseconds: bounds the media held. */
  readonly apartUsMax: number;
  /** Somebody calls {@link Segmenter.takeParts} after each push; else parts are nobody's business. */
  readonly parts?: boolean;
}

/** The segments of one media sequence number, one per rendition, in the order of the renditions. */
export interface SegmentGroup {
  readonly mediaSequence: number;
  readonly segments: readonly ProducedSegment[];
}

export interface ProducedSegment extends CutSegment {
  readonly rendition: string;
}

/** A rendition of which nothing more comes, and why. */
export interface LeftOut {
  readonly rendition: string;
  readonly reason: string;
}

/** An optional rendition this far behind the one that leads is not waited for any more, microseconds. */
const optionalApartUsMax = 3_000_000;

/**
 * Groups the fragments of an encoder's renditions into segments that all begin at the same key frames. The first video
 * rendition leads: its key frames at or after the grid are the cuts. Other video renditions must have a key frame at
 * each cut; audio is cut at its first frame at or after it. Without video the grid itself is the cut.
 * Pure and synchronous; after an error it must be thrown away.
 */
export class Segmenter {
  readonly #init: SegmenterInit;
  readonly #cutters: readonly RenditionCutter[];
  readonly #leader: RenditionCutter;
  readonly #finder: CutFinder;
  /** Cuts found, microseconds of the stream's timeline. Those that every rendition has passed are forgotten. */
  #cuts: number[] = [];
  #mediaSequence: number;
  #parts: PartialSegment[] = [];
  /** Those that are not waited for any more. */
  readonly #over = new Set<RenditionCutter>();
  #leftOut: LeftOut[] = [];

  constructor(init: SegmenterInit) {
    assert(init.renditions.length > 0, 'an encoder has renditions');
    this.#init = init;
    this.#cutters = init.renditions.map((rendition) => new RenditionCutter(rendition, init.mediaSequence));
    this.#leader = this.#cutters.find(({ rendition }) => rendition.kind === 'video') ?? (this.#cutters[0] as RenditionCutter);
    assert(this.#leader.rendition.isOptional !== true, 'the rendition that leads is always there');
    const { startUs, kind } = this.#leader.rendition;
    // No rendition's first segment may be too long: sound may begin before a picture that comes to it.
    const firstUs = Math.min(...init.renditions.map((one) => one.startUs));
    this.#finder = cutFinder({ gridUs: init.gridUs, startUs, firstUs, kind, keyFrames: init.keyFrames ?? 'forced' });
    this.#mediaSequence = init.mediaSequence;
  }

  /** How far the slowest rendition has come on the stream's timeline, microseconds. */
  get reachedUs(): number {
    return Math.min(...this.#awaited.map(({ endUs }) => endUs));
  }

  /** Where the segment begins that the rendition which leads is in, microseconds. */
  get cutUs(): number {
    return this.#finder.lastUs;
  }

  /** Media held because a group is not complete, bytes. */
  get pendingBytes(): number {
    return this.#cutters.reduce((sum, cutter) => sum + cutter.pendingBytes, 0);
  }

  /** Must come before the rendition's first fragment. */
  begin(rendition: string, track: TrackInit): void {
    this.#cutter(rendition).begin(track);
  }

  /** @throws Fmp4Error `RENDITIONS_MISALIGNED`, `RENDITIONS_APART`, `KEY_FRAMES_SPARSE`, or `FMP4_INVALID` when time does not advance. */
  push(rendition: string, fragment: Fragment): SegmentGroup[] {
    const cutter = this.#cutter(rendition);
    if (this.#over.has(cutter)) return [];
    const pieces = this.#orWithout(cutter, () => cutter.accept(fragment)) ?? [];
    if (cutter === this.#leader) this.#cuts.push(...this.#finder.look(pieces, cutter.endUs, fragment.endsAtKeyFrame === true));
    for (const one of this.#awaited) this.#orWithout(one, () => one.cut(this.#cuts));
    this.#checkApart();
    return this.#complete();
  }

  /** Goes on without an optional rendition. */
  leaveOut(rendition: string, reason: string): void {
    const cutter = this.#cutter(rendition);
    if (this.#over.has(cutter)) return;
    assert(cutter.rendition.isOptional === true, `${rendition} can be left out`);
    this.#over.add(cutter);
    cutter.giveUp(this.#cuts);
    this.#leftOut.push({ rendition, reason });
  }

  /** Renditions that were left out since the last call. */
  takeLeftOut(): readonly LeftOut[] {
    const leftOut = this.#leftOut;
    this.#leftOut = [];
    return leftOut;
  }

  /**
   * The encoder ended in good order: what is left becomes the last groups, as far as every rendition has media that must have some.
   * @param soundUntilUs where others go on with the sound: none is kept that begins behind it and behind the picture
   */
  flush(soundUntilUs?: number): SegmentGroup[] {
    const isSeen = this.#leader.rendition.kind === 'video';
    for (const cutter of this.#cutters) {
      if (isSeen && soundUntilUs !== undefined && cutter.rendition.kind === 'audio') cutter.keepUntil(Math.max(soundUntilUs, this.#leader.endUs));
      cutter.finish();
      if (cutter.rendition.isOptional === true) this.#over.add(cutter);
    }
    return this.#complete();
  }

  /**
   * The parts that became certain since the last call, each rendition's in order. A segment is told of only when every
   * rendition has something of it: an encoder that ends in good order then leaves no part without its segment.
   */
  takeParts(): readonly PartialSegment[] {
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  #cutter(name: string): RenditionCutter {
    const cutter = this.#cutters.find(({ rendition }) => rendition.name === name);
    assert(cutter !== undefined, `${name} is a rendition of this encoder`);
    return cutter;
  }

  get #awaited(): readonly RenditionCutter[] {
    return this.#over.size === 0 ? this.#cutters : this.#cutters.filter((one) => !this.#over.has(one));
  }

  /** @throws what `act` throws, unless the rendition can be left out */
  #orWithout<T>(cutter: RenditionCutter, act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof Fmp4Error) || cutter.rendition.isOptional !== true) throw error;
      this.leaveOut(cutter.rendition.name, error.message);
      return undefined;
    }
  }

  #checkApart(): void {
    for (const { endUs, rendition } of this.#awaited)
      if (rendition.isOptional === true && this.#leader.endUs - endUs > optionalApartUsMax) this.leaveOut(rendition.name, 'Nothing of it comes any more.');
    const ends = this.#awaited.map(({ endUs, rendition }) => endUs - rendition.startUs);
    const apart = Math.max(...ends) - Math.min(...ends);
    if (apart > this.#init.apartUsMax) throw new Fmp4Error('RENDITIONS_APART', `A rendition is ${Math.round(apart / 1000)} ms behind another.`);
  }

  #complete(): SegmentGroup[] {
    if (this.#init.parts === true) this.#collectParts();
    const groups: SegmentGroup[] = [];
    while (this.#awaited.every(({ ready }) => ready)) {
      const mediaSequence = this.#mediaSequence++;
      const having = this.#cutters.filter(({ ready }) => ready);
      const segments = having.map((cutter) => ({ rendition: cutter.rendition.name, ...cutter.take(mediaSequence) }));
      groups.push({ mediaSequence, segments });
    }
    const passed = Math.min(...this.#awaited.map(({ cutsPassed }) => cutsPassed));
    if (passed > 0) {
      this.#cuts = this.#cuts.slice(passed);
      for (const cutter of this.#awaited) cutter.forgetCuts(passed);
    }
    return groups;
  }

  /** Audio may be ahead of the picture, whose key frames tell where it is cut. */
  #collectParts(): void {
    const sequenceMax = Math.min(...this.#awaited.map(({ reachedSequence }) => reachedSequence));
    const untilUs = this.#finder.openUs ?? this.#leader.endUs;
    for (const cutter of this.#cutters) this.#parts.push(...cutter.takeParts(untilUs, sequenceMax));
  }
}
