import { RemuxError } from '#core/cmaf';
import { Fmp4Error, type SegmentGroup } from '#core/fmp4';
import { blamedOutputs } from '#core/ffmpeg-plan';
import type { AlertKind } from '#domain/stream';
import { hasCode, OperatingError } from '#kernel';
import type { BlobStore, ProcessRunner } from '#ports';
import { pause, type FactPublisher, type HeldLease } from '#runtime';
import { CueTeller } from '../cues/cue-teller.ts';
import type { LiveEdge } from '../edge/live-edge.ts';
import { RunAnnouncer } from '../edge/run-announcer.ts';
import { placedBehind } from '../failover/time-zero.core.ts';
import type { LiveFeed } from '../feed/live-feed.ts';
import type { StartPoint } from '../feed/feed.types.ts';
import type { SourceTrack } from '../feed/track-book.core.ts';
import type { LiveSession, StreamState } from '../fold/stream-fold.core.ts';
import type { StreamFollower } from '../fold/stream-follower.ts';
import type { MediaCounters } from '../media-counters.ts';
import { EncoderRun, type RunEnd } from '../run/encoder-run.ts';
import type { EncoderSessions, EncoderShare } from '../run/encoder-sessions.ts';
import { PassThroughRun } from '../run/pass-through-run.ts';
import {
  comesBack,
  meeting,
  planRun,
  programDateTime,
  sessionEnd,
  storedUntilMs,
  toldUntil,
  type CarriedPictures,
  type RunPlan,
} from '../run/run-plan.core.ts';
import { breaks, SegmentCommitter, type SegmentCommitterDeps, type SegmentCommitterInit } from '../run/segment-committer.ts';
import type { RenditionPlan } from '../run/carried.core.ts';
import type { PictureChange } from '../run/source-remux.ts';
import { planCarriage, type CarriageWishes } from '../run/source-carriage.core.ts';
import type { Sampling } from '../sampling/sampling.ts';
import type { StreamSampler } from '../sampling/stream-sampler.ts';
import { endReasonOf, type EndKind } from './end-reason.ts';
import { EncodingFacts } from './encoding-facts.ts';
import { LoadSteps, type LoadStepsDeps, type LoadStepsInit } from './load-steps.ts';
import type { PublisherSource } from './publisher-source.ts';
import { RestartPace } from './restart-pace.core.ts';

export interface SessionEncoderInit extends LoadStepsInit {
  readonly node: string;
  /** ffmpeg. */
  readonly program: string;
  readonly vaapiDevice: string;
  /** Where gateways follow the stream's parts. */
  readonly edge: LiveEdge;
  readonly liveEdgeUrl: string | undefined;
  /** The id under which the packager speaks. */
  readonly producerId: string;
}

export interface SessionEncoderDeps extends LoadStepsDeps {
  readonly held: HeldLease;
  readonly blobs: BlobStore;
  readonly facts: FactPublisher;
  readonly follower: StreamFollower;
  readonly runner: ProcessRunner;
  readonly encoders: EncoderSessions;
  /** Looks at what the stream sends. */
  readonly sampling?: Sampling | undefined;
  /** A run begins. */
  readonly onRun?: () => void;
}

/** What to encode, and what ends it. */
export interface EncodingTask {
  readonly source: PublisherSource;
  /** One connection's media. */
  readonly feed: LiveFeed;
  /** The process ends: store what is encoded. */
  readonly shutdown: AbortSignal;
  /** The other publisher takes over: store what has come. */
  readonly cut: AbortSignal;
}

/** What the loop does after a run. */
type Next = 'finished' | 'go-on' | 'leave' | 'new-epoch';

/** Under which producer a run speaks, and what caused it to. */
type RunIdentity = Pick<SegmentCommitterInit, 'producer' | 'encodingId'>;

/** What one run encodes, from where on, and by whom. */
interface RunWork {
  readonly start: StartPoint;
  readonly renditions: RenditionPlan;
  readonly share: EncoderShare;
}

/** A run that is over, and what was run. */
interface Ended {
  readonly end: RunEnd;
  readonly argv: readonly string[];
}

/** Signals of a task, put together. */
interface Ends {
  /** Store what is encoded, and give up what cannot be stored soon. */
  readonly stop: AbortSignal;
  /** Nothing new is begun. */
  readonly any: AbortSignal;
}

const groupsWaitingMax = 4;
/** Runs that may fail on the rest of a session that is over. */
const lastFailuresMax = 3;

/** Keeps exactly one encoder running on a session's media, one after the other, for as long as its feed lasts. */
export class SessionEncoder {
  readonly #init: SessionEncoderInit;
  readonly #deps: SessionEncoderDeps;
  readonly #pace = new RestartPace();
  readonly #steps: LoadSteps;
  #skipToNewest = false;
  #carries = false;
  /** The session that has shown that it cannot be carried as it is. */
  #notCarried: { readonly sessionId: string; readonly sentBitrate: number | undefined } | undefined;
  /** Tracks that are left out and were told of. */
  readonly #leftOut = new WeakSet<SourceTrack>();
  #sampler: StreamSampler | undefined;
  #runs = 0;
  #segments = 0;
  #fenced = false;
  /** Until the next run, after one that failed. */
  #restartInMs: number | undefined;

  constructor(init: SessionEncoderInit, deps: SessionEncoderDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#steps = new LoadSteps(init, deps);
  }

  /** True when another process speaks for the stream. */
  get fenced(): boolean {
    return this.#fenced;
  }

  /** The run that is on needs no encoder: what it is given is what it stores. */
  get carries(): boolean {
    return this.#carries;
  }

  /** Resolves when the feed is used up, the task was cut, or there is nothing more for this process to do: `leave`. */
  async encode(task: EncodingTask): Promise<'over' | 'leave'> {
    const sampler = this.#sample(task.source.session);
    const cues = new CueTeller({ streamId: this.#init.streamId, source: task.source, epoch: () => this.#deps.held.epoch }, this.#deps);
    const unwatch = task.feed.watch((tags) => {
      sampler?.arrived(tags);
      cues.look();
    });
    this.#sampler = sampler;
    try {
      return await this.#encodeAll(task);
    } finally {
      unwatch();
      await cues.settled();
      if (sampler !== undefined) this.#deps.sampling?.end(this.#init.streamId, sampler);
    }
  }

  #sample(session: LiveSession): StreamSampler | undefined {
    const { streamId, node } = this.#init;
    const { follower, held, logger, sampling } = this.#deps;
    const state = follower.get(streamId);
    if (state === undefined) return undefined;
    const openAlerts = new Map(Object.entries(state.openAlerts ?? {}) as Array<[AlertKind, number]>);
    const { segmentDurationMs } = state;
    return sampling?.begin({ streamId, session, node, segmentDurationMs, openAlerts, epoch: () => held.epoch }, logger);
  }

  async #encodeAll(task: EncodingTask): Promise<'over' | 'leave'> {
    const { held } = this.#deps;
    this.#init.edge.open(task.source.session.sessionId);
    const stop = AbortSignal.any([task.shutdown, task.source.late]);
    const ends: Ends = { stop, any: AbortSignal.any([stop, held.lost, task.cut]) };
    let generation = 0;
    for (let lastFailures = 0; !ends.any.aborted;) {
      const start = await this.#startPoint(task, generation, ends.any);
      if (start === undefined) break;
      generation = start.tag.generation.number;
      const next = await this.#runOnce(task, start, ends);
      if (next === 'leave') return 'leave';
      if (next === 'finished') {
        generation += 1;
        continue;
      }
      if (task.feed.end !== undefined && ++lastFailures > lastFailuresMax) break;
      await pause(this.#restartInMs ?? this.#pace.after('crashed', performance.now()), ends.any);
      if (next === 'new-epoch') await held.renewEpoch();
    }
    return 'over';
  }

  /** Waits until the source is known. Undefined when the media ended before it, or there is none of that generation or a later one. */
  async #startPoint({ source, feed }: EncodingTask, generationMin: number, signal: AbortSignal): Promise<StartPoint | undefined> {
    try {
      return await this.#startPointOf({ source, feed }, generationMin, signal);
    } finally {
      feed.unheed(signal);
    }
  }

  async #startPointOf({ source, feed }: Pick<EncodingTask, 'source' | 'feed'>, generationMin: number, signal: AbortSignal): Promise<StartPoint | undefined> {
    while (!signal.aborted) {
      const state = this.#deps.follower.get(this.#init.streamId);
      const end = state === undefined ? undefined : sessionEnd(state, source.session);
      const fromMs = end === undefined ? undefined : storedUntilMs(end) + 1;
      const start = this.#skipToNewest ? feed.media.latestStartPoint() : feed.media.startPoint(fromMs, generationMin);
      const usable = start === undefined || state === undefined ? start : this.#usable({ source, feed }, state, start, fromMs);
      if (usable !== undefined) {
        this.#skipToNewest = false;
        return usable;
      }
      if (feed.end !== undefined) return undefined;
      await feed.changed(signal);
    }
    return undefined;
  }

  /** A source that is carried as it is cannot begin within a group of pictures: it waits for the next. */
  #usable({ source, feed }: Pick<EncodingTask, 'source' | 'feed'>, state: StreamState, start: StartPoint, fromMs: number | undefined): StartPoint | undefined {
    const isBefore = fromMs !== undefined && start.tag.presentationMs < fromMs - 2;
    if (!isBefore || planCarriage(state, start, this.#wishes(source.session)).carried.video === undefined) return start;
    if ((meeting(state, source.session, start) ?? comesBack(state, source.session, start)) !== undefined) return start;
    return feed.media.startPointFrom(fromMs, start.tag.generation.number);
  }

  #wishes(session: LiveSession): CarriageWishes {
    const mayCarry = this.#mayCarry(session);
    return { mayCarry, sentBitrate: mayCarry ? undefined : this.#notCarried?.sentBitrate, ...this.#steps.level };
  }

  #mayCarry({ sessionId }: LiveSession): boolean {
    return this.#notCarried?.sessionId !== sessionId;
  }

  async #runOnce(task: EncodingTask, start: StartPoint, ends: Ends): Promise<Next> {
    const { encoders, facts, follower, held, logger } = this.#deps;
    const { streamId, producerId, liveEdgeUrl } = this.#init;
    const state = follower.get(streamId);
    if (state === undefined) return 'leave';
    const session = placedBehind(state.last, task.source.session, start.tag.presentationMs);
    const renditions = planCarriage(state, start, this.#wishes(session));
    if (renditions.renditions.length === 0) {
      logger.warn('the session has neither picture nor sound that can be encoded');
      return 'finished';
    }
    const producer = { id: producerId, epoch: held.epoch };
    const encoding = new EncodingFacts({ ...this.#init, liveEdgeUrl: state.lowLatency === false ? undefined : liveEdgeUrl, session, producer }, facts);
    const share = encoders.share(renditions.encoded.filter((one) => one.kind === 'video'));
    try {
      // This fences every predecessor at the log; then all that it wrote is folded.
      for (const position of await encoding.started(start.source, renditions, share.encoders)) await follower.reached(position);
      // Of one that is over on the log the rest is encoded: nobody says it there again.
      if (task.source.session.isPlaced !== true) task.source.session = session;
      const encodingId = follower.get(streamId)?.encodingId;
      await this.#tellLeftOut(encoding, start.unaligned ?? [], encodingId);
      const segmentsBefore = this.#segments;
      const ended = await this.#supervise({ producer, encodingId }, task, { start, renditions, share }, ends);
      const { end } = ended;
      const uncarried = this.#uncarried(session, renditions, end);
      const how = uncarried === undefined ? end.kind : 'not-carried';
      if (how === 'crashed' && this.#segments === segmentsBefore) this.#blame(share, renditions, end);
      if (held.lost.aborted) return 'leave';
      if (uncarried !== undefined) await this.#leaveCarriage(encoding, task, uncarried, encodingId);
      if (end.kind === 'too-slow' && (await this.#steps.giveUp({ encoding, encodingId })) === 'media') this.#skipToNewest = true;
      // Nothing ended but a run: the next one begins where it was.
      if (end.kind === 'finished' && (await this.#steps.takeBack({ encoding, encodingId }, !ends.any.aborted))) return 'go-on';
      const next = this.#judge(end);
      this.#restartInMs = next === 'finished' ? undefined : this.#pace.after(how, performance.now());
      if (next !== 'new-epoch' && next !== 'leave') await this.#tellEnd(encoding, task, { ...ended, how }, encodingId);
      return next;
    } catch (error) {
      this.#restartInMs = undefined;
      return this.#afterError(error);
    } finally {
      share.release();
    }
  }

  /** An encoder that would not open is left to others; where ffmpeg does not say which, all hardware of the run is. */
  #blame(share: EncoderShare, { encoded }: RenditionPlan, { exit }: RunEnd): void {
    const named = blamedOutputs(exit.lastLines).flatMap((output) => encoded[output]?.name ?? []);
    const rungs = (named.length > 0 ? named : Object.keys(share.encoders)).filter((name) => share.encoders[name] !== undefined);
    if (rungs.length === 0) return;
    this.#deps.logger.warn(
      { rungs, encoders: share.encoders, lastLines: exit.lastLines.slice(-5) },
      'a hardware encoder did not open; its rungs are encoded in software',
    );
    share.refused(rungs);
  }

  async #supervise(identity: RunIdentity, { source, feed, cut }: EncodingTask, work: RunWork, { stop }: Ends): Promise<Ended> {
    const { session, captions } = source;
    const { streamId, program, node, vaapiDevice, edge } = this.#init;
    const { blobs, facts, follower, runner, held, logger } = this.#deps;
    const { start, renditions, share } = work;
    const state = follower.get(streamId);
    if (state === undefined) throw new OperatingError('The stream was stopped.', { code: 'STREAM_STOPPED', retryable: false });
    // Of another publisher's media no segment is made again, however it is coded.
    const configuration = JSON.stringify([session.sessionId, this.#steps.level.preset, share.encoders, renditions]);
    const announced = edge.announced(configuration);
    const plan = planRun(state, session, start, announced, carriedPictures(renditions));
    this.#carries = renditions.encoded.length === 0;
    this.#deps.onRun?.();
    edge.configure(configuration, plan.mediaSequence, toldUntil(state, announced));
    const sampler = this.#sampler;
    sampler?.begins({ session, offsetMs: plan.offsetMs, encodingId: identity.encodingId });
    const onCommitted: SegmentCommitterDeps['onCommitted'] = (group, tracks) => {
      this.#stored({ source, feed }, group);
      sampler?.stored(group, tracks);
    };
    if (this.#runs++ > 0) this.#count('encoderRestarts', 1);
    const { carried, echoes = [], encodedSounds = [] } = renditions;
    const mayJoin = new Set([...(carried.beside ?? []), ...echoes, ...encodedSounds].map(({ rendition }) => rendition.name));
    const continuity = { discontinuity: plan.discontinuity, initCidsBefore: initCidsOf(state), initCidsKnown: state.initCids, mayJoin };
    const announcer = this.#announcer(plan, identity, session, renditions, continuity);
    const committer = new SegmentCommitter(
      { streamId, session, node, ...identity, offsetMs: plan.offsetMs, ...continuity, waitingMax: groupsWaitingMax },
      { blobs, facts, logger, onCommitted, announcer, captions: (fromMs, untilMs) => captions.between(fromMs, untilMs) },
    );
    const abort = (): void => committer.abort();
    held.lost.addEventListener('abort', abort, { once: true });
    const { preset } = this.#steps.level;
    const over = new AbortController();
    this.#tellStart(session, identity, plan, work);
    try {
      const init = { plan, start, renditions, segmentDurationMs: state.segmentDurationMs };
      const onPicture = (change: PictureChange): void => this.#tellPicture(committer, change);
      const encoding = { runner, feed, committer, logger, onPicture, onSpeed: (speed: number): void => sampler?.runsAt(speed) };
      const run =
        renditions.encoded.length === 0
          ? new PassThroughRun(init, { feed, committer, onPicture })
          : new EncoderRun({ ...init, program, preset, encoders: share.encoders, vaapiDevice }, encoding);
      return { end: await run.run(stop, AbortSignal.any([cut, this.#steps.untilCalm(over.signal)])), argv: run.argv };
    } finally {
      over.abort();
      announcer.end();
      held.lost.removeEventListener('abort', abort);
    }
  }

  #tellStart({ sessionId }: LiveSession, { producer }: RunIdentity, { mediaSequence, discontinuity }: RunPlan, { renditions, share }: RunWork): void {
    const { video, audio, beside = [] } = renditions.carried;
    const carried = [video, audio, ...beside.map(({ rendition }) => rendition)].flatMap((one) => one?.name ?? []);
    const about = { sessionId, preset: this.#steps.level.preset, encoders: share.encoders, epoch: `${producer.epoch}`, mediaSequence, discontinuity };
    this.#deps.logger.info({ ...about, renditions: renditions.renditions.map(({ name }) => name), carried }, 'encoder starts');
  }

  /** A picture stops and comes back: a plain thing, told once each. */
  #tellPicture(committer: SegmentCommitter, change: PictureChange): void {
    const isAway = change.kind === 'away';
    const detail = isAway
      ? 'No picture comes while the sound goes on: its newest key frame is shown.'
      : `The picture is back after ${Math.round(change.awayMs / 100) / 10} s.`;
    this.#deps.logger.info(detail);
    committer.tell({ step: 'picture', direction: isAway ? 'down' : 'up', detail });
  }

  #announcer(
    plan: RunPlan,
    { encodingId }: RunIdentity,
    session: LiveSession,
    { renditions }: RenditionPlan,
    continuity: Parameters<typeof breaks>[0],
  ): RunAnnouncer {
    return new RunAnnouncer(
      {
        // The end of a UUID of version 7 is its random part.
        run: (encodingId ?? session.sessionId).replaceAll('-', '').slice(-12),
        renditions: renditions.map(({ name }) => name),
        mediaSequence: plan.mediaSequence,
        programDateTime: (streamUs) => programDateTime(session, plan.offsetMs, streamUs),
        breaks: (initCids) => breaks(continuity, initCids),
      },
      this.#init.edge,
    );
  }

  /** The media of stored segments is not needed again. The fold may lag behind the append; forgetting late is harmless. */
  #stored({ source, feed }: Pick<EncodingTask, 'source' | 'feed'>, { segments }: SegmentGroup): void {
    this.#segments += segments.length;
    this.#count('segments', segments.length);
    this.#count(
      'segmentBytes',
      segments.reduce((sum, { bytes }) => sum + bytes.byteLength, 0),
    );
    this.#pace.success();
    const state = this.#deps.follower.get(this.#init.streamId);
    const end = state === undefined ? undefined : sessionEnd(state, source.session);
    if (end === undefined) return;
    feed.media.forgetBefore(storedUntilMs(end));
    source.stored(storedUntilMs(end));
  }

  #judge(end: RunEnd): Next {
    if (end.kind === 'finished') return 'finished';
    const { logger } = this.#deps;
    const error = end.kind === 'crashed' || end.kind === 'not-started' ? end.error : undefined;
    const { code, signal, lastLines } = end.exit;
    logger.warn({ end: end.kind, exitCode: code, signal, err: error, lastLines: lastLines.slice(-5) }, `encoder ${end.kind}`);
    return error === undefined ? 'go-on' : this.#afterError(error);
  }

  /** @param tracks that have no key frame where the first has one */
  async #tellLeftOut(encoding: EncodingFacts, tracks: readonly SourceTrack[], encodingId: string | undefined): Promise<void> {
    for (const track of tracks.filter((one) => !this.#leftOut.has(one))) {
      this.#leftOut.add(track);
      const detail = `Track ${track.track} of ${track.kind} is left out: it has nothing to begin with where track 0 has a key frame.`;
      this.#deps.logger.warn({ track: track.track, kind: track.kind }, detail);
      await encoding.adapted({ step: 'pass-through', direction: 'down', detail }, encodingId);
    }
  }

  /** Why the session cannot be carried as it is, when that is what ended the run. */
  #uncarried(session: LiveSession, { carried }: RenditionPlan, end: RunEnd): Error | undefined {
    const error = end.kind === 'crashed' ? end.error : undefined;
    if (!this.#mayCarry(session) || (carried.video === undefined && carried.audio === undefined)) return undefined;
    return error instanceof Fmp4Error || error instanceof RemuxError ? error : undefined;
  }

  /** What cannot be carried as it is is encoded from now on, for as long as the session lasts. */
  async #leaveCarriage(encoding: EncodingFacts, { source: { session }, feed }: EncodingTask, error: Error, encodingId: string | undefined): Promise<void> {
    // Measured once: a run that is made like the one before it continues its segments.
    this.#notCarried = { sessionId: session.sessionId, sentBitrate: feed.media.sentBitrate };
    this.#deps.logger.warn({ err: error }, 'the source cannot be carried as it is; going on with an encoder');
    await encoding.adapted({ step: 'pass-through', direction: 'down', detail: error.message }, encodingId);
  }

  #afterError(error: unknown): Next {
    if (hasCode(error, 'PRODUCER_FENCED')) this.#fenced = true;
    if (this.#fenced || hasCode(error, 'STREAM_STOPPED')) return 'leave';
    if (hasCode(error, 'PRODUCER_UNCERTAIN')) return 'new-epoch';
    this.#deps.logger.error({ err: error }, 'encoding failed');
    return 'go-on';
  }

  async #tellEnd(
    encoding: EncodingFacts,
    { shutdown, cut }: EncodingTask,
    { end, argv, how }: Ended & { readonly how: EndKind },
    encodingId: string | undefined,
  ): Promise<void> {
    const isStopped = this.#deps.follower.get(this.#init.streamId) === undefined;
    const isCut = cut.aborted;
    const reason = endReasonOf(how, { isShuttingDown: shutdown.aborted, isStopped, isCut });
    const restartInMs = shutdown.aborted || isStopped || isCut ? undefined : this.#restartInMs;
    await encoding.ended(end.exit, { reason, argv, restartInMs }, encodingId);
    this.#deps.logger.info({ reason, restartInMs }, 'encoder ended');
  }

  #count(name: keyof MediaCounters, by: number): void {
    const { counters } = this.#deps;
    if (counters !== undefined) counters[name] += by;
  }
}

function carriedPictures({ encoded, carried }: RenditionPlan): CarriedPictures {
  if (carried.video === undefined) return 'none';
  return encoded.some(({ kind }) => kind === 'video') ? 'some' : 'all';
}

function initCidsOf({ last }: StreamState): Record<string, string> | undefined {
  if (last === undefined) return undefined;
  return Object.fromEntries(Object.entries(last.renditions).map(([name, { initCid }]) => [name, initCid]));
}
