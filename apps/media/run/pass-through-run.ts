import type { Segmenter } from '#core/fmp4';
import type { ProcessExit } from '#ports';
import type { StartPoint } from '../feed/feed.types.ts';
import { interleaveTags } from '../feed/session-feed.core.ts';
import type { LiveFeed } from '../feed/live-feed.ts';
import type { RunEnd } from './encoder-run.ts';
import type { RunPlan } from './run-plan.core.ts';
import { handOver, runSegmenter, soundUntilUs } from './run-segmenter.ts';
import type { SegmentCommitter } from './segment-committer.ts';
import type { RenditionPlan } from './carried.core.ts';
import { SourceRemux, type PictureChange } from './source-remux.ts';

export interface PassThroughRunInit {
  readonly plan: RunPlan;
  readonly start: StartPoint;
  readonly renditions: RenditionPlan;
  readonly segmentDurationMs: number;
}

export interface PassThroughRunDeps {
  readonly feed: LiveFeed;
  readonly committer: SegmentCommitter;
  /** Told when the picture stops while its sound goes on, and when it is back. */
  readonly onPicture: (change: PictureChange) => void;
}

/** How long what is complete may take to be stored after somebody asked for the end. */
const finishMsMax = 4000;
/** So far behind what follows a picture of it is waited for, ms of media. */
const pictureMsMax = 300;
/** There is no process: what ended, ended well. */
const noExit: ProcessExit = { code: 0, signal: null, asked: false, lastLines: [] };

/** A run without an encoder: the source's media becomes segments as it is. Ends as an encoder's run does. */
export class PassThroughRun {
  readonly #init: PassThroughRunInit;
  readonly #deps: PassThroughRunDeps;
  readonly #segmenter: Segmenter;
  readonly #remux: SourceRemux;

  constructor(init: PassThroughRunInit, deps: PassThroughRunDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#segmenter = runSegmenter({ ...init, primingTicksOf: () => 0 });
    const { segmentDurationMs, renditions } = init;
    const stills = { segmentDurationMs, onPicture: deps.onPicture };
    this.#remux = new SourceRemux({ ...init, carried: renditions.carried, stills }, { segmenter: this.#segmenter, committer: deps.committer });
  }

  /** Nothing is run. */
  readonly argv: readonly string[] = [];

  /**
   * Resolves when what it produced is stored or given up. Ends early, in good order, on `stop`.
   * @param cut ends the input: what has come by then is stored
   */
  async run(stop: AbortSignal, cut: AbortSignal): Promise<RunEnd> {
    const { committer } = this.#deps;
    const failed = new AbortController();
    committer.failure.catch(() => failed.abort());
    let timer: NodeJS.Timeout | undefined;
    const onStop = (): void => void (timer = setTimeout(() => committer.abort(), finishMsMax));
    stop.addEventListener('abort', onStop, { once: true });
    if (stop.aborted) onStop();
    try {
      const endMs = await this.#carryAll(AbortSignal.any([stop, failed.signal]), cut);
      // What is asked to stop leaves its last group to a successor, who can begin with the same key frame.
      if (!stop.aborted) handOver(this.#segmenter.flush(soundUntilUs(endMs, this.#init.plan)), { segmenter: this.#segmenter, committer });
      await committer.drained();
      return { kind: 'finished', exit: noExit };
    } catch (error) {
      await committer.drained().catch(() => {});
      return { kind: 'crashed', exit: { ...noExit, code: null, lastLines: [error instanceof Error ? error.message : String(error)] }, error };
    } finally {
      stop.removeEventListener('abort', onStop);
      clearTimeout(timer);
    }
  }

  /**
   * Carries from the start point until the media's configuration, the session or the caller ends it. Answers where the media goes on
   * that this run is not for, ms of the session.
   */
  async #carryAll(signal: AbortSignal, cut: AbortSignal): Promise<number | undefined> {
    const { feed } = this.#deps;
    const either = AbortSignal.any([signal, cut]);
    const { generation } = this.#init.start.tag;
    try {
      // A picture that stops goes on as a still one.
      generation.keepsPicture = true;
      await this.#carryUntil(either);
      await this.#followed(either);
    } finally {
      generation.keepsPicture = false;
      feed.unheed(either);
    }
    const endMs = feed.media.takenOverMs(generation);
    if (!signal.aborted) this.#remux.finish(endMs, feed.media.nextPictureMs(generation));
    return endMs;
  }

  /** The last picture lasts until the next one is shown, which comes behind its sound. */
  async #followed(either: AbortSignal): Promise<void> {
    const { feed } = this.#deps;
    const { generation } = this.#init.start.tag;
    const endMs = feed.media.takenOverMs(generation);
    if (endMs === undefined || generation.video === undefined) return;
    while (!either.aborted && feed.end === undefined && feed.media.nextPictureMs(generation) === undefined) {
      if (feed.media.latestMs - endMs > pictureMsMax) return;
      await feed.changed(either);
    }
  }

  async #carryUntil(either: AbortSignal): Promise<void> {
    const { start } = this.#init;
    const { feed, committer } = this.#deps;
    // Asked once a frame, a signal that is made of others asks them all.
    let isOver = either.aborted;
    either.addEventListener('abort', () => (isOver = true), { once: true });
    for (let index = Math.max(0, start.index - interleaveTags); !isOver;) {
      const next = feed.media.read(index);
      if (next === undefined) {
        if (feed.end !== undefined) break;
        await feed.changed(either);
        continue;
      }
      if (next.tag.generation.number > start.tag.generation.number) break;
      index = next.index + 1;
      this.#remux.take(next.index, next.tag);
      if (committer.blocked) await committer.room();
    }
  }
}
