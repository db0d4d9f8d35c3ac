import { Remuxer, RemuxError, videoTimescale, type RemuxPart } from '#core/cmaf';
import type { Fragment, Segmenter } from '#core/fmp4';
import type { FeedTag, StartPoint } from '../feed/feed.types.ts';
import { besideMs } from '../feed/session-feed.core.ts';
import type { SourceTrack } from '../feed/track-book.core.ts';
import type { RunPlan } from './run-plan.core.ts';
import { handOver, startUsOf } from './run-segmenter.ts';
import type { SegmentCommitter } from './segment-committer.ts';
import type { Carried } from './carried.core.ts';
import { showStills, StillPicture, type PictureView, type Still } from './still-picture.core.ts';

export interface SourceRemuxInit {
  readonly plan: RunPlan;
  readonly start: StartPoint;
  readonly carried: Carried;
  /** Where nothing is encoded: the newest key frame stands for pictures that do not come, in segments of this length, and `onPicture` is told. */
  readonly stills?: { readonly segmentDurationMs: number; readonly onPicture: (change: PictureChange) => void };
}

/** The first picture stopped while its sound went on, or is back. */
export type PictureChange = { readonly kind: 'away' } | { readonly kind: 'back'; readonly awayMs: number };

/** One track of the source, and what it is in the stream. */
interface Lane {
  readonly kind: FeedTag['kind'];
  /** Undefined for the first track of its kind. */
  readonly track: SourceTrack | undefined;
  readonly remuxer: Remuxer;
  readonly renditions: readonly string[];
  isOver: boolean;
}

/** Hands the source's own media to the segmenter as renditions, as it is read. */
export class SourceRemux {
  readonly #init: SourceRemuxInit;
  readonly #segmenter: Segmenter;
  readonly #committer: SegmentCommitter;
  readonly #lanes: readonly Lane[];
  /** Where the picture was cut, microseconds, until the sound is there too: a segment must not wait for it. */
  #soundDueUs: number | undefined;
  /** The first track of each kind. */
  readonly #picture: Lane | undefined;
  readonly #sound: Lane | undefined;
  readonly #still: StillPicture | undefined;

  constructor(init: SourceRemuxInit, deps: { readonly segmenter: Segmenter; readonly committer: SegmentCommitter }) {
    this.#init = init;
    this.#segmenter = deps.segmenter;
    this.#committer = deps.committer;
    this.#lanes = lanesOf(init);
    this.#picture = this.#lanes.find(({ kind, track }) => kind === 'video' && track === undefined);
    this.#sound = this.#lanes.find(({ kind, track }) => kind === 'audio' && track === undefined);
    const { stills } = init;
    this.#still = stills === undefined || this.#picture === undefined ? undefined : new StillPicture({ gridUs: stills.segmentDurationMs * 1000 });
  }

  /** @throws RemuxError, Fmp4Error when the first track of a kind cannot be carried */
  take(index: number, tag: FeedTag): void {
    const lane = this.#lanes.find(({ kind, track }) => kind === tag.kind && track === tag.beside);
    if (lane === undefined || lane.isOver || !this.#isOfRun(index, tag)) return;
    if (lane === this.#picture && this.#still !== undefined) this.#beforePicture(lane, tag, this.#still);
    this.#give(lane, this.#remuxed(lane, tag));
    if (lane === this.#sound && this.#still !== undefined) this.#behindSound(tag, this.#still);
  }

  /** The picture may have been away until this frame. */
  #beforePicture({ remuxer }: Lane, { keyFrame, timestampMs }: FeedTag, still: StillPicture): void {
    const view = this.#view();
    if (view === undefined) return;
    const atUs = this.#streamUs(timestampMs) + remuxer.pictureShiftUs;
    const untilUs = still.picture(atUs, keyFrame, view);
    if (untilUs !== undefined) this.#show(still, untilUs, keyFrame);
    const awayUs = keyFrame && untilUs !== undefined ? still.back(atUs) : undefined;
    if (awayUs !== undefined) this.#init.stills?.onPicture({ kind: 'back', awayMs: Math.round(awayUs / 1000) });
  }

  /** The picture may have stopped before this sound. */
  #behindSound({ timestampMs }: FeedTag, still: StillPicture): void {
    const view = this.#view();
    const untilUs = view === undefined ? undefined : still.sound(this.#streamUs(timestampMs), view);
    if (untilUs !== undefined) this.#show(still, untilUs, false);
  }

  #view(): PictureView | undefined {
    const remuxer = this.#picture?.remuxer;
    const openUs = remuxer?.pictureUs;
    return remuxer === undefined || openUs === undefined ? undefined : { cutUs: this.#segmenter.cutUs, openUs, reachUs: remuxer.pictureReachUs };
  }

  /** All pictures of a publisher stop together, as a rule. */
  #show(still: StillPicture, untilUs: number, followed: boolean): void {
    const wasShown = still.isShown;
    const show = ({ atUs, isPoint }: Still): void => {
      for (const lane of this.#lanes) if (lane.kind === 'video' && !lane.isOver) this.#give(lane, lane.remuxer.still(atUs, isPoint));
    };
    showStills(still, { untilUs, followed }, { view: () => this.#view(), show });
    if (still.isShown && !wasShown) this.#init.stills?.onPicture({ kind: 'away' });
  }

  /** Answers where the picture ends that was filled up, ms of the session. @param endMs where what follows is decoded */
  #fillUp(endMs: number | undefined): number | undefined {
    const [still, view, picture] = [this.#still, this.#view(), this.#picture];
    const soundUs = this.#sound?.remuxer.soundEndUs ?? -1;
    if (still === undefined || view === undefined || picture === undefined || (endMs === undefined && soundUs < 0)) return endMs;
    const endUs = endMs === undefined ? soundUs : this.#streamUs(endMs) + picture.remuxer.pictureShiftUs;
    const untilUs = still.end(endUs, view);
    if (untilUs !== undefined) this.#show(still, untilUs, true);
    return endMs ?? (still.isShown ? (endUs - picture.remuxer.pictureShiftUs) / 1000 - this.#init.plan.offsetMs : undefined);
  }

  #streamUs(ms: number): number {
    return (ms + this.#init.plan.offsetMs) * 1000;
  }

  #give(lane: Lane, parts: readonly RemuxPart[]): void {
    this.#hand(lane, parts);
    if (lane === this.#picture)
      for (const part of parts) if (part.kind === 'fragment' && part.fragment.endsAtKeyFrame === true) this.#soundDueUs = endUsOf(part.fragment);
    if (this.#soundDueUs !== undefined) this.#hurrySound(this.#soundDueUs);
  }

  /** Of a further track the first key frame may have come before the first track's, whose generation it begins. */
  #isOfRun(index: number, tag: FeedTag): boolean {
    const { start } = this.#init;
    if (tag.beside === undefined) return tag.generation === start.tag.generation && (tag.kind === 'audio' || index >= start.index);
    return tag.kind === 'audio' || tag.presentationMs >= start.tag.presentationMs - besideMs;
  }

  /** A further track that cannot be carried is left out; nothing else waits for it. */
  #remuxed(lane: Lane, { body, timestampMs }: FeedTag): readonly RemuxPart[] {
    try {
      return lane.remuxer.push(body, timestampMs);
    } catch (error) {
      if (!(error instanceof RemuxError) || lane.track === undefined) throw error;
      lane.isOver = true;
      for (const name of lane.renditions) this.#segmenter.leaveOut(name, error.message);
      return [];
    }
  }

  #hurrySound(dueUs: number): void {
    const sounds = this.#lanes.filter(({ kind, isOver }) => kind === 'audio' && !isOver);
    for (const lane of sounds) this.#hand(lane, lane.remuxer.flushSound());
    if (sounds.every(({ remuxer }) => remuxer.soundEndUs >= dueUs)) this.#soundDueUs = undefined;
  }

  /**
   * @param endMs where what follows begins, ms of the session, where it is known
   * @param nextPictureMs decode time of the picture that follows: its sound may come before it
   */
  finish(endMs: number | undefined, nextPictureMs = endMs): void {
    const pictureEndMs = this.#fillUp(nextPictureMs);
    for (const lane of this.#lanes) if (!lane.isOver) this.#hand(lane, lane.remuxer.finish(lane.kind === 'video' ? pictureEndMs : endMs));
  }

  #hand({ renditions }: Lane, parts: readonly RemuxPart[]): void {
    for (const part of parts) {
      for (const rendition of renditions) {
        if (part.kind === 'fragment') {
          handOver(this.#segmenter.push(rendition, part.fragment), { segmenter: this.#segmenter, committer: this.#committer });
        } else {
          this.#segmenter.begin(rendition, part.track);
          this.#committer.begin(rendition, part.bytes, part.track);
        }
      }
    }
  }
}

function lanesOf({ plan, start, carried }: SourceRemuxInit): readonly Lane[] {
  const { generation } = start.tag;
  const lanes: Lane[] = [];
  const add = (kind: Lane['kind'], track: SourceTrack | undefined, first: string | undefined): void => {
    const config = track?.config ?? generation[kind];
    const others = (carried.beside ?? []).filter(({ rendition, track: of }) => rendition.kind === kind && of === track).map(({ rendition }) => rendition.name);
    const renditions = [...(first === undefined ? [] : [first]), ...others];
    if (config === undefined || renditions.length === 0) return;
    const startUs = startUsOf({ kind, name: renditions[0] as string }, plan, true);
    lanes.push({ kind, track, remuxer: new Remuxer({ kind, config, offsetMs: plan.offsetMs, startUs }), renditions, isOver: false });
  };
  add('video', undefined, carried.video?.name);
  add('audio', undefined, carried.audio?.name);
  for (const track of new Set((carried.beside ?? []).map((one) => one.track))) if (track !== undefined) add(track.kind, track, undefined);
  return lanes;
}

function endUsOf({ baseDecodeTime, samples }: Fragment): number {
  return (samples.reduce((ticks, { duration }) => ticks + duration, baseDecodeTime) * 1_000_000) / videoTimescale;
}
