import { Remuxer, videoTimescale, type RemuxPart } from '#core/cmaf';
import type { Fragment, Segmenter } from '#core/fmp4';
import type { FeedTag, StartPoint } from '../feed/session-feed.core.ts';
import type { RunPlan } from './run-plan.core.ts';
import { handOver } from './run-segmenter.ts';
import type { SegmentCommitter } from './segment-committer.ts';
import type { RenditionPlan } from './source-carriage.core.ts';

export interface SourceRemuxInit {
  readonly plan: RunPlan;
  readonly start: StartPoint;
  readonly carried: RenditionPlan['carried'];
}

/** Hands the source's own media to the segmenter as renditions, as it is read. */
export class SourceRemux {
  readonly #init: SourceRemuxInit;
  readonly #segmenter: Segmenter;
  readonly #committer: SegmentCommitter;
  readonly #remuxers: Partial<Record<FeedTag['kind'], Remuxer>> = {};
  /** Where the picture was cut, microseconds, until the sound is there too: a segment must not wait for it. */
  #soundDueUs: number | undefined;

  constructor(init: SourceRemuxInit, deps: { readonly segmenter: Segmenter; readonly committer: SegmentCommitter }) {
    this.#init = init;
    this.#segmenter = deps.segmenter;
    this.#committer = deps.committer;
    const { plan, start, carried } = init;
    const { video, audio } = start.tag.generation;
    const { offsetMs } = plan;
    if (carried.video !== undefined && video !== undefined)
      this.#remuxers.video = new Remuxer({ kind: 'video', config: video, offsetMs, startUs: plan.videoStreamUs });
    if (carried.audio !== undefined && audio !== undefined)
      this.#remuxers.audio = new Remuxer({ kind: 'audio', config: audio, offsetMs, startUs: plan.audioStreamUs });
  }

  /** @throws RemuxError, Fmp4Error when the source cannot be carried */
  take(index: number, tag: FeedTag): void {
    const remuxer = this.#remuxers[tag.kind];
    const { start } = this.#init;
    if (remuxer === undefined || tag.generation !== start.tag.generation || (tag.kind === 'video' && index < start.index)) return;
    const parts = remuxer.push(tag.body, tag.timestampMs);
    this.#hand(tag.kind, parts);
    if (tag.kind === 'video')
      for (const part of parts) if (part.kind === 'fragment' && part.fragment.endsAtKeyFrame === true) this.#soundDueUs = endUsOf(part.fragment);
    if (this.#soundDueUs !== undefined) this.#hurrySound(this.#soundDueUs);
  }

  #hurrySound(dueUs: number): void {
    const { audio } = this.#remuxers;
    if (audio !== undefined) this.#hand('audio', audio.flushSound());
    if (audio === undefined || audio.soundEndUs >= dueUs) this.#soundDueUs = undefined;
  }

  /** @param endMs decode time of the picture that follows, ms of the session, where it is known */
  finish(endMs: number | undefined): void {
    const { video, audio } = this.#remuxers;
    if (video !== undefined) this.#hand('video', video.finish(endMs));
    if (audio !== undefined) this.#hand('audio', audio.finish());
  }

  #hand(kind: FeedTag['kind'], parts: readonly RemuxPart[]): void {
    const rendition = this.#init.carried[kind]?.name as string;
    for (const part of parts) {
      if (part.kind === 'fragment') {
        handOver(this.#segmenter.push(rendition, part.fragment), { segmenter: this.#segmenter, committer: this.#committer });
      } else {
        this.#segmenter.begin(rendition, part.track);
        this.#committer.begin(rendition, part.bytes, part.track);
      }
    }
  }
}

function endUsOf({ baseDecodeTime, samples }: Fragment): number {
  return (samples.reduce((ticks, { duration }) => ticks + duration, baseDecodeTime) * 1_000_000) / videoTimescale;
}
