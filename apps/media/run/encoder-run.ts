import { encoderArguments, ProgressReader, type EncoderKind, type EncoderPlan, type EncoderProgress, type Preset } from '#core/ffmpeg-plan';
import { Fmp4Splitter, type Segmenter, type SegmentGroup } from '#core/fmp4';
import type { ProcessExit, ProcessRunner, RunningProcess } from '#ports';
import { pause, type Logger } from '#runtime';
import { encoderInput, type EncoderInputWriter } from '../feed/encoder-input.core.ts';
import type { StartPoint } from '../feed/feed.types.ts';
import { interleaveTags } from '../feed/session-feed.core.ts';
import type { LiveFeed } from '../feed/live-feed.ts';
import type { RunPlan } from './run-plan.core.ts';
import { handOver, runSegmenter, soundUntilUs, startUsOf } from './run-segmenter.ts';
import type { SegmentCommitter } from './segment-committer.ts';
import type { RenditionPlan } from './carried.core.ts';
import type { SourceTrack } from '../feed/track-book.core.ts';
import { HeldPicture, type Fed } from './held-picture.core.ts';
import { SourceRemux, type PictureChange } from './source-remux.ts';
import { OutputWatch } from './output-watch.core.ts';

export interface EncoderRunInit {
  readonly program: string;
  readonly preset: Preset;
  /** Who encodes which rung; the processor where nothing is said. */
  readonly encoders: Readonly<Record<string, EncoderKind>>;
  readonly vaapiDevice: string;
  readonly plan: RunPlan;
  readonly start: StartPoint;
  readonly renditions: RenditionPlan;
  readonly segmentDurationMs: number;
}

export interface EncoderRunDeps {
  readonly runner: ProcessRunner;
  readonly feed: LiveFeed;
  readonly committer: SegmentCommitter;
  readonly logger: Logger;
  /** Told about once a second how fast the encoder is, as a multiple of real time. */
  readonly onSpeed?: (speed: number) => void;
  /** Told when the picture stops while its sound goes on, and when it is back. */
  readonly onPicture: (change: PictureChange) => void;
}

/** Why a run ended. */
export type RunEnd =
  /** Everything that was fed is encoded and stored: the session or its configuration ended, or somebody asked. */
  | { readonly kind: 'finished'; readonly exit: ProcessExit }
  | { readonly kind: 'crashed'; readonly exit: ProcessExit; readonly error?: unknown }
  | { readonly kind: 'stalled' | 'too-slow'; readonly exit: ProcessExit }
  | { readonly kind: 'not-started'; readonly exit: ProcessExit; readonly error: unknown };

/** An mdat of half a second at 100 Mbit/s is a fifth of it. */
const boxBytesMax = 32 * 1024 * 1024;
/** How long an encoder may take to finish its output after its input ended. */
const finishMsMax = 4000;
const watchEveryMs = 500;

/** One ffmpeg from start to end: fed from the session's media, its outputs cut into segments and handed to be stored. */
export class EncoderRun {
  readonly #init: EncoderRunInit;
  readonly #deps: EncoderRunDeps;
  readonly #encoder: EncoderPlan;
  readonly #input: EncoderInputWriter;
  /** Further ones that are encoded. */
  readonly #sounds: readonly SourceTrack[];
  readonly #segmenter: Segmenter;
  /** The renditions that the source is itself. */
  readonly #remux: SourceRemux;
  readonly #watch: OutputWatch;
  /** Of a picture that is encoded in all its renditions, with a sound that may go on without it. */
  readonly #held: HeldPicture | undefined;
  readonly #over = new AbortController();
  /** Set when this side ended the run. */
  #verdict: 'stalled' | 'too-slow' | { readonly error: unknown } | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  #inputEnded = false;
  /** Where the media goes on that this run is not for, ms of the session. */
  #takenOverMs: number | undefined;

  constructor(init: EncoderRunInit, deps: EncoderRunDeps) {
    this.#init = init;
    this.#deps = deps;
    const { plan, start, renditions, preset, encoders, vaapiDevice, segmentDurationMs } = init;
    const segmentDurationUs = segmentDurationMs * 1000;
    const { encoded, encodedSounds = [] } = renditions;
    const soundStartUs = soundStartsOf(plan, renditions);
    this.#encoder = encoderArguments({ source: start.source, renditions: encoded, preset, encoders, vaapiDevice, segmentDurationUs, ...plan, soundStartUs });
    this.#sounds = encodedSounds.map(({ track }) => track);
    this.#input = encoderInput(start.source, start.tag.generation, this.#sounds);
    const primingTicksOf = (name: string): number => this.#encoder.outputs.find(({ rendition }) => rendition === name)?.primingTicks ?? 0;
    this.#segmenter = runSegmenter({ plan, renditions, segmentDurationMs, primingTicksOf });
    this.#remux = new SourceRemux({ plan, start, carried: renditions.carried }, { segmenter: this.#segmenter, committer: deps.committer });
    this.#watch = new OutputWatch();
    const isCarried = [renditions.carried.video, ...(renditions.carried.beside ?? []).map(({ rendition }) => rendition)].some((one) => one?.kind === 'video');
    this.#held = start.source.video === undefined || start.source.audio === undefined || isCarried ? undefined : new HeldPicture();
  }

  /** The program and its arguments. */
  get argv(): readonly string[] {
    return [this.#init.program, ...this.#encoder.argv];
  }

  /**
   * Resolves when the process is gone and what it produced is stored or given up. Ends early, in good order, on `stop`.
   * @param cut ends the input: what was fed by then is encoded and stored
   */
  async run(stop: AbortSignal, cut: AbortSignal): Promise<RunEnd> {
    const { committer } = this.#deps;
    let encoder: RunningProcess;
    try {
      encoder = await this.#start();
    } catch (error) {
      const exit = { code: null, signal: null, asked: false, lastLines: [error instanceof Error ? error.message : String(error)] };
      return { kind: 'not-started', exit, error };
    }
    const { generation } = this.#init.start.tag;
    // A picture that stops goes on as a still one.
    if (this.#held !== undefined) generation.keepsPicture = true;
    const outputs = this.#encoder.outputs.map(({ rendition, fd }) => this.#readOutput(encoder, rendition, fd));
    // Whatever goes wrong in one part ends this run, and this run only.
    const work = [...outputs, this.#feedAll(encoder, AbortSignal.any([stop, cut])), this.#watchOutput(encoder), this.#readProgress(encoder)].map((part) =>
      part.catch((error: unknown) => this.#fail(encoder, error)),
    );
    void committer.failure.catch((error: unknown) => this.#fail(encoder, error));
    const onStop = (): void => this.#finishSoon(encoder, true);
    stop.addEventListener('abort', onStop, { once: true });
    if (stop.aborted) onStop();
    try {
      const exit = await encoder.exited;
      this.#over.abort();
      await Promise.all(work);
      return await this.#conclude(exit);
    } finally {
      stop.removeEventListener('abort', onStop);
      if (this.#held !== undefined) generation.keepsPicture = false;
      for (const timer of this.#timers) clearTimeout(timer);
    }
  }

  #start(): Promise<RunningProcess> {
    return this.#deps.runner.start({ program: this.#init.program, argv: this.#encoder.argv, outputs: [1, ...this.#encoder.outputs.map(({ fd }) => fd)] });
  }

  /** An encoder that does not finish in time is ended; on request (`giveUp`) what cannot be stored is given up too. */
  #finishSoon(encoder: RunningProcess, giveUp: boolean): void {
    const { committer } = this.#deps;
    const look = (): void => {
      // Held up by the log or the store, not by itself.
      if (committer.blocked && !giveUp) return void this.#timers.push(setTimeout(look, finishMsMax));
      if (!this.#over.signal.aborted) this.#fail(encoder, new Error('the encoder did not finish after its input ended'));
      if (giveUp) committer.abort();
    };
    this.#timers.push(setTimeout(look, finishMsMax));
  }

  async #conclude(exit: ProcessExit): Promise<RunEnd> {
    const { committer } = this.#deps;
    const clean = this.#verdict === undefined && this.#inputEnded && exit.code === 0;
    try {
      // A crashed encoder's renditions end at different frames: the rest is encoded again by the next run.
      if (clean) this.#take(this.#segmenter.flush(soundUntilUs(this.#takenOverMs, this.#init.plan)));
      await committer.drained();
    } catch (error) {
      return { kind: 'crashed', exit, error };
    }
    if (typeof this.#verdict === 'string') return { kind: this.#verdict, exit };
    return clean ? { kind: 'finished', exit } : { kind: 'crashed', exit, error: this.#verdict?.error };
  }

  #fail(encoder: RunningProcess, error: unknown): void {
    this.#verdict ??= { error };
    this.#over.abort();
    void encoder.kill();
  }

  async #readOutput(encoder: RunningProcess, rendition: string, fd: number): Promise<void> {
    const { committer } = this.#deps;
    const splitter = new Fmp4Splitter({ boxBytesMax });
    const { echoes = [] } = this.#init.renditions;
    const names = [rendition, ...echoes.flatMap((echo) => (echo.of === rendition ? [echo.rendition.name] : []))];
    for await (const chunk of encoder.output(fd)) {
      // After a failure the rest is only drained, so that the process can end.
      if (this.#verdict !== undefined) continue;
      for (const part of splitter.push(chunk)) {
        for (const name of names) {
          if (part.kind === 'fragment') {
            this.#take(this.#segmenter.push(name, part.fragment));
          } else {
            this.#segmenter.begin(name, part.track);
            committer.begin(name, part.bytes, part.track);
          }
        }
      }
      await committer.room();
    }
  }

  #take(groups: readonly SegmentGroup[]): void {
    handOver(groups, { segmenter: this.#segmenter, committer: this.#deps.committer });
  }

  /** Feeds from the start point until the media's configuration, the session or the caller ends it. */
  async #feedAll(encoder: RunningProcess, stop: AbortSignal): Promise<void> {
    const { start } = this.#init;
    const { feed } = this.#deps;
    const signal = AbortSignal.any([stop, this.#over.signal]);
    await encoder.write(this.#input.headers());
    for (let index = Math.max(0, start.index - interleaveTags); !signal.aborted;) {
      const next = feed.media.read(index);
      if (next === undefined) {
        if (feed.end !== undefined) break;
        await feed.changed(signal);
        continue;
      }
      if (next.tag.generation.number > start.tag.generation.number) break;
      index = next.index + 1;
      this.#remux.take(next.index, next.tag);
      for (const bytes of this.#encode(next.index, next.tag)) await encoder.write(bytes);
    }
    feed.unheed(signal);
    if (feed.end !== undefined) for (const bytes of this.#written(this.#held?.end() ?? [])) await encoder.write(bytes);
    this.#takenOverMs = feed.media.takenOverMs(start.tag.generation);
    this.#inputEnded = true;
    this.#remux.finish(undefined);
    encoder.endInput();
    this.#finishSoon(encoder, false);
  }

  /** What the encoder is given of the tag, on the run's own clock: nothing of what comes before the start or what the source does not have. */
  #encode(index: number, tag: StartPoint['tag']): Iterable<Uint8Array> {
    const { plan, start } = this.#init;
    const isOfFirst =
      tag.beside === undefined &&
      tag.generation === start.tag.generation &&
      (tag.kind === 'audio' || index >= start.index) &&
      start.source[tag.kind] !== undefined;
    const isWanted = isOfFirst || (tag.beside !== undefined && this.#sounds.includes(tag.beside));
    if (tag.timestampMs < plan.rebaseMs || !isWanted) return [];
    return this.#written(this.#held?.push(tag) ?? [{ tag, timestampMs: tag.timestampMs }]);
  }

  #written(all: readonly Fed[]): readonly Uint8Array[] {
    const change = this.#held?.takeChange();
    if (change !== undefined) this.#deps.onPicture(change);
    return all.flatMap(({ tag, timestampMs }) => this.#input.media(tag, timestampMs - this.#init.plan.rebaseMs) ?? []);
  }

  async #watchOutput(encoder: RunningProcess): Promise<void> {
    const { feed, committer } = this.#deps;
    for (;;) {
      await pause(watchEveryMs, this.#over.signal);
      if (this.#over.signal.aborted) return;
      const reachedMs = this.#segmenter.reachedUs / 1000 - this.#init.plan.offsetMs;
      const verdict = this.#watch.look({ nowMs: performance.now(), reachedMs, latestMs: feed.media.latestMs, blocked: committer.blocked });
      if (verdict === undefined) continue;
      this.#verdict ??= verdict;
      await encoder.kill();
      return;
    }
  }

  /** What the encoder says about itself goes to the log when it ends: how fast it was, how many frames it made up or left out. */
  async #readProgress(encoder: RunningProcess): Promise<void> {
    const reader = new ProgressReader();
    const decoder = new TextDecoder();
    let last: EncoderProgress | undefined;
    for await (const chunk of encoder.output(1)) {
      last = reader.push(decoder.decode(chunk, { stream: true })).at(-1) ?? last;
      if (last !== undefined) this.#deps.onSpeed?.(last.speed);
    }
    this.#deps.logger.debug({ ...last }, 'encoder progress at its end');
  }
}

/** Where further sounds begin in what the encoder is given: each goes on where its own segments end. */
function soundStartsOf(plan: RunPlan, { encodedSounds = [] }: RenditionPlan): Readonly<Record<string, number>> {
  const { audioStartUs, audioStreamUs } = plan;
  return Object.fromEntries(
    encodedSounds.map(({ rendition }) => [rendition.name, Math.max(0, audioStartUs + startUsOf(rendition, plan, true) - audioStreamUs)]),
  );
}
