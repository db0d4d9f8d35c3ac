import { RemuxError } from '#core/cmaf';
import { Fmp4Error, type SegmentGroup } from '#core/fmp4';
import { blamedOutputs, presets } from '#core/ffmpeg-plan';
import { hasCode, OperatingError } from '#kernel';
import type { BlobStore, LeaseStore, ProcessRunner } from '#ports';
import { HeldLease, pause, type FactPublisher, type Logger } from '#runtime';
import type { LiveEdge } from '../edge/live-edge.ts';
import { RunAnnouncer } from '../edge/run-announcer.ts';
import { LiveFeed } from '../feed/live-feed.ts';
import { RelayConnection } from '../feed/relay-connection.ts';
import type { StartPoint } from '../feed/session-feed.core.ts';
import type { LiveSession, StreamState } from '../fold/stream-fold.core.ts';
import type { StreamFollower } from '../fold/stream-follower.ts';
import { EncoderRun, type RunEnd } from '../run/encoder-run.ts';
import type { EncoderSessions, EncoderShare } from '../run/encoder-sessions.ts';
import { PassThroughRun } from '../run/pass-through-run.ts';
import { planRun, programDateTime, sessionEnd, storedUntilMs, type RunPlan } from '../run/run-plan.core.ts';
import { breaks, SegmentCommitter, type SegmentCommitterInit } from '../run/segment-committer.ts';
import { planCarriage, type RenditionPlan } from '../run/source-carriage.core.ts';
import type { MediaCounters } from '../media-counters.ts';
import { endReasonOf } from './end-reason.ts';
import { EncodingFacts } from './encoding-facts.ts';
import { RestartPace } from './restart-pace.core.ts';

export interface LiveStreamInit {
  readonly streamId: string;
  readonly session: LiveSession;
  readonly owner: string;
  readonly node: string;
  /** ffmpeg. */
  readonly program: string;
  /** Index into {@link presets} to begin with. */
  readonly preset: number;
  readonly vaapiDevice: string;
  readonly leaseTtlMs: number;
  /** Media of the session that is kept for a restart, bytes. */
  readonly feedBytesMax: number;
  /** Where gateways follow the stream's parts. */
  readonly edge: LiveEdge;
  readonly liveEdgeUrl: string | undefined;
}

export interface LiveStreamDeps {
  readonly leases: LeaseStore;
  readonly blobs: BlobStore;
  readonly facts: FactPublisher;
  readonly follower: StreamFollower;
  readonly runner: ProcessRunner;
  readonly encoders: EncoderSessions;
  readonly logger: Logger;
  readonly counters?: MediaCounters;
}

/** What the loop does after a run. */
type Next = 'finished' | 'go-on' | 'reconnect' | 'leave' | 'new-epoch';

/** Under which producer a run speaks, and what caused it to. */
type RunIdentity = Pick<SegmentCommitterInit, 'producer' | 'encodingId'>;

/** What one run encodes, from where on, and by whom. */
interface RunWork {
  readonly start: StartPoint;
  readonly renditions: RenditionPlan;
  readonly share: EncoderShare;
}

/** What ends the work on a stream early. */
interface Ends {
  /** The process ends, or the session is long over: store what is encoded. */
  readonly stop: AbortSignal;
  /** Somebody else has the lease: store nothing more. */
  readonly lost: AbortSignal;
  readonly any: AbortSignal;
  /** The log says that the session is over: nothing new is begun. */
  readonly over: AbortSignal;
}

const connectTimeoutMs = 3000;
const reconnectMs = 250;
const silenceMsMax = 15_000;
const groupsWaitingMax = 4;
/** How long the relay may take to end a session that is over on the log, before the encoder is told to end. */
const overMsMax = 5000;
/** Runs that may fail on the rest of a session that is over. */
const lastFailuresMax = 3;

/**
 * One session of one stream, held under the lease `media/<streamId>`: reads its media from the relay and keeps exactly
 * one encoder running on it until the session is over, the stream is stopped, or this process ends.
 */
export class LiveStream {
  readonly #init: LiveStreamInit;
  readonly #deps: LiveStreamDeps;
  readonly #logger: Logger;
  readonly #pace = new RestartPace();
  #preset: number;
  #skipToNewest = false;
  /** False once the source has shown that it cannot be carried as it is. */
  #mayCarry = true;
  #runs = 0;
  #segments = 0;
  #fenced = false;
  #shutdown: AbortSignal | undefined;
  #overTimer: NodeJS.Timeout | undefined;

  constructor(init: LiveStreamInit, deps: LiveStreamDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#preset = init.preset;
    this.#logger = deps.logger.child({ streamId: init.streamId, sessionId: init.session.sessionId });
  }

  /**
   * Answers false when another process holds the stream; otherwise true, once there is nothing left to do.
   * @param shutdown ends it in good order: what is encoded is stored
   */
  async run(shutdown: AbortSignal): Promise<boolean> {
    const { streamId, owner, leaseTtlMs } = this.#init;
    const held = await HeldLease.acquire({ name: `media/${streamId}`, owner, ttlMs: leaseTtlMs }, { leases: this.#deps.leases, logger: this.#logger });
    if (held === undefined) return false;
    const over = new AbortController();
    const late = new AbortController();
    const unlisten = this.#deps.follower.onChange(() => this.#isLive() || this.#endSoon(over, late));
    const stop = AbortSignal.any([shutdown, late.signal]);
    this.#shutdown = shutdown;
    this.#init.edge.open(this.#init.session.sessionId);
    try {
      await this.#hold(held, { stop, lost: held.lost, any: AbortSignal.any([stop, held.lost]), over: over.signal });
      return !held.lost.aborted && !this.#fenced;
    } finally {
      unlisten();
      clearTimeout(this.#overTimer);
      this.#init.edge.close();
      await held.release();
      this.#deps.facts.release(producerId(streamId));
    }
  }

  /** The rest of the session is still encoded, unless its relay takes too long to end it. */
  #endSoon(over: AbortController, late: AbortController): void {
    over.abort();
    this.#overTimer ??= setTimeout(() => late.abort(), overMsMax);
  }

  /** The fold still knows this session as the live one. */
  #isLive(): boolean {
    return this.#deps.follower.get(this.#init.streamId)?.session?.sessionId === this.#init.session.sessionId;
  }

  /** Connects to the relay again and again, as long as the session may go on. */
  async #hold(held: HeldLease, ends: Ends): Promise<void> {
    while (!ends.any.aborted && this.#isLive()) {
      const feed = new LiveFeed({ bytesMax: this.#init.feedBytesMax });
      const { session } = this.#init;
      try {
        const connection = await RelayConnection.open({ session, connectTimeoutMs, silenceMsMax }, feed, this.#logger);
        try {
          if ((await this.#encode(held, feed, ends)) === 'leave') return;
        } finally {
          connection.close();
        }
      } catch (err) {
        if (!(err instanceof OperatingError) || !err.retryable) throw err;
        this.#logger.debug({ err }, 'no relay yet');
      }
      await pause(reconnectMs, AbortSignal.any([ends.any, ends.over]));
    }
  }

  /** Runs encoders on one connection's media, one after the other. */
  async #encode(held: HeldLease, feed: LiveFeed, ends: Ends): Promise<'reconnect' | 'leave'> {
    let generation = 0;
    for (let lastFailures = 0; !ends.any.aborted;) {
      const start = await this.#startPoint(feed, generation, ends.any);
      if (start === undefined) break;
      generation = start.tag.generation.number;
      const next = await this.#runOnce(held, feed, start, ends);
      if (next === 'leave' || next === 'reconnect') return next;
      if (next === 'finished') {
        generation += 1;
        continue;
      }
      if (feed.end !== undefined && ++lastFailures > lastFailuresMax) break;
      await pause(this.#pace.afterFailure(performance.now()), ends.any);
      if (next === 'new-epoch') await held.renewEpoch();
    }
    return feed.end === 'broken' ? 'reconnect' : 'leave';
  }

  /** Waits until the source is known. Undefined when the media ended before it, or there is none of that generation or a later one. */
  async #startPoint(feed: LiveFeed, generationMin: number, signal: AbortSignal): Promise<StartPoint | undefined> {
    while (!signal.aborted) {
      const state = this.#deps.follower.get(this.#init.streamId);
      const end = state === undefined ? undefined : sessionEnd(state, this.#init.session);
      const fromMs = end === undefined ? undefined : storedUntilMs(end) + 1;
      const start = this.#skipToNewest ? feed.media.latestStartPoint() : feed.media.startPoint(fromMs, generationMin);
      const usable = start === undefined || state === undefined ? start : this.#usable(feed, state, start, fromMs);
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
  #usable(feed: LiveFeed, state: StreamState, start: StartPoint, fromMs: number | undefined): StartPoint | undefined {
    const isBefore = fromMs !== undefined && start.tag.presentationMs < fromMs - 2;
    if (!isBefore || planCarriage(state, start, this.#mayCarry).carried.video === undefined) return start;
    return feed.media.startPointFrom(fromMs, start.tag.generation.number);
  }

  async #runOnce(held: HeldLease, feed: LiveFeed, start: StartPoint, ends: Ends): Promise<Next> {
    const state = this.#deps.follower.get(this.#init.streamId);
    if (state === undefined) return 'leave';
    const renditions = planCarriage(state, start, this.#mayCarry);
    if (renditions.renditions.length === 0) {
      this.#logger.warn('the session has neither picture nor sound that can be encoded');
      return 'reconnect';
    }
    const producer = { id: producerId(this.#init.streamId), epoch: held.epoch };
    const encoding = new EncodingFacts({ ...this.#init, producer }, this.#deps.facts);
    const share = this.#deps.encoders.share(renditions.encoded.flatMap(({ kind, name }) => (kind === 'video' ? name : [])));
    try {
      // This fences every predecessor at the log; then all that it wrote is folded.
      for (const position of await encoding.started(start.source, renditions, share.encoders)) await this.#deps.follower.reached(position);
      const encodingId = this.#deps.follower.get(this.#init.streamId)?.encodingId;
      const segmentsBefore = this.#segments;
      const end = await this.#supervise({ producer, encodingId }, feed, { start, renditions, share }, ends);
      if (end.kind === 'crashed' && this.#segments === segmentsBefore) this.#blame(share, renditions, end);
      if (ends.lost.aborted) return 'leave';
      await this.#leaveCarriage(encoding, renditions, end, encodingId);
      const next = this.#judge(end);
      if (next !== 'new-epoch' && next !== 'leave') await this.#ended(encoding, end, encodingId);
      return next;
    } catch (error) {
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
    this.#logger.warn(
      { rungs, encoders: share.encoders, lastLines: exit.lastLines.slice(-5) },
      'a hardware encoder did not open; its rungs are encoded in software',
    );
    share.refused(rungs);
  }

  async #supervise(identity: RunIdentity, feed: LiveFeed, { start, renditions, share }: RunWork, { lost, stop }: Ends): Promise<RunEnd> {
    const { streamId, session, program, node, vaapiDevice } = this.#init;
    const { blobs, facts, follower, runner } = this.#deps;
    const state = follower.get(streamId) as StreamState | undefined;
    if (state === undefined) throw new OperatingError('The stream was stopped.', { code: 'STREAM_STOPPED', retryable: false });
    const configuration = JSON.stringify([this.#preset, share.encoders, renditions]);
    const { edge } = this.#init;
    const plan = planRun(state, session, start, edge.announced(configuration));
    edge.configure(configuration);
    const onCommitted = (group: SegmentGroup): void => this.#stored(feed, group);
    if (this.#runs++ > 0) count(this.#deps.counters, 'encoderRestarts', 1);
    const initCidsBefore = initCidsOf(state);
    const continuity = { discontinuity: plan.discontinuity, initCidsBefore };
    const announcer = this.#announcer(plan, identity, renditions, continuity);
    const committer = new SegmentCommitter(
      { streamId, session, node, ...identity, offsetMs: plan.offsetMs, ...continuity, waitingMax: groupsWaitingMax },
      { blobs, facts, logger: this.#logger, onCommitted, announcer },
    );
    const abort = (): void => committer.abort();
    lost.addEventListener('abort', abort, { once: true });
    const preset = presets[this.#preset] ?? 'ultrafast';
    this.#logger.info(
      {
        preset,
        encoders: share.encoders,
        epoch: `${identity.producer.epoch}`,
        mediaSequence: plan.mediaSequence,
        discontinuity: plan.discontinuity,
        renditions: renditions.renditions.map(({ name }) => name),
        carried: [renditions.carried.video, renditions.carried.audio].flatMap((one) => one?.name ?? []),
      },
      'encoder starts',
    );
    try {
      const init = { plan, start, renditions, segmentDurationMs: state.segmentDurationMs };
      const run =
        renditions.encoded.length === 0
          ? new PassThroughRun(init, { feed, committer })
          : new EncoderRun({ ...init, program, preset, encoders: share.encoders, vaapiDevice }, { runner, feed, committer, logger: this.#logger });
      return await run.run(stop);
    } finally {
      announcer.end();
      lost.removeEventListener('abort', abort);
    }
  }

  #announcer(plan: RunPlan, { encodingId }: RunIdentity, { renditions }: RenditionPlan, continuity: Parameters<typeof breaks>[0]): RunAnnouncer {
    const { edge, session } = this.#init;
    return new RunAnnouncer(
      {
        // The end of a UUID of version 7 is its random part.
        run: (encodingId ?? session.sessionId).replaceAll('-', '').slice(-12),
        renditions: renditions.map(({ name }) => name),
        mediaSequence: plan.mediaSequence,
        programDateTime: (streamUs) => programDateTime(session, plan.offsetMs, streamUs),
        breaks: (initCids) => breaks(continuity, initCids),
      },
      edge,
    );
  }

  /** The media of stored segments is not needed again. The fold may lag behind the append; forgetting late is harmless. */
  #stored(feed: LiveFeed, { segments }: SegmentGroup): void {
    this.#segments += segments.length;
    count(this.#deps.counters, 'segments', segments.length);
    count(
      this.#deps.counters,
      'segmentBytes',
      segments.reduce((sum, { bytes }) => sum + bytes.byteLength, 0),
    );
    this.#pace.success();
    const state = this.#deps.follower.get(this.#init.streamId);
    const end = state === undefined ? undefined : sessionEnd(state, this.#init.session);
    if (end !== undefined) feed.media.forgetBefore(storedUntilMs(end));
  }

  #judge(end: RunEnd): Next {
    if (end.kind === 'finished') return 'finished';
    const error = end.kind === 'crashed' || end.kind === 'not-started' ? end.error : undefined;
    this.#logger.warn(
      { end: end.kind, exitCode: end.exit.code, signal: end.exit.signal, err: error, lastLines: end.exit.lastLines.slice(-5) },
      `encoder ${end.kind}`,
    );
    if (end.kind === 'too-slow') this.#speedUp();
    return error === undefined ? 'go-on' : this.#afterError(error);
  }

  /** What cannot be carried as it is is encoded from now on, for as long as the session lasts. */
  async #leaveCarriage(encoding: EncodingFacts, { carried }: RenditionPlan, end: RunEnd, encodingId: string | undefined): Promise<void> {
    const error = end.kind === 'crashed' ? end.error : undefined;
    if (!this.#mayCarry || (carried.video === undefined && carried.audio === undefined)) return;
    if (!(error instanceof Fmp4Error || error instanceof RemuxError)) return;
    this.#mayCarry = false;
    this.#logger.warn({ err: error }, 'the source cannot be carried as it is; going on with an encoder');
    await encoding.adapted({ step: 'pass-through', direction: 'down', detail: error.message }, encodingId);
  }

  /** A faster preset while there is one; then the media that cannot be encoded in time is given up. */
  #speedUp(): void {
    if (this.#preset < presets.length - 1) {
      this.#preset += 1;
      count(this.#deps.counters, 'encoderSteps', 1);
      this.#logger.warn({ preset: presets[this.#preset] }, 'the machine cannot encode in real time; going on with a faster preset');
    } else {
      this.#skipToNewest = true;
      this.#logger.error('the machine cannot encode in real time even with the fastest preset: media is left out; use a smaller ladder or more cores');
    }
  }

  #afterError(error: unknown): Next {
    if (hasCode(error, 'PRODUCER_FENCED')) this.#fenced = true;
    if (this.#fenced || hasCode(error, 'STREAM_STOPPED')) return 'leave';
    if (hasCode(error, 'PRODUCER_UNCERTAIN')) return 'new-epoch';
    this.#logger.error({ err: error }, 'encoding failed');
    return 'go-on';
  }

  async #ended(encoding: EncodingFacts, end: RunEnd, encodingId: string | undefined): Promise<void> {
    const isStopped = this.#deps.follower.get(this.#init.streamId) === undefined;
    const reason = endReasonOf(end.kind, { isShuttingDown: this.#shutdown?.aborted === true, isStopped });
    await encoding.ended(end.exit, reason, encodingId);
    this.#logger.info({ reason }, 'encoder ended');
  }
}

function count(counters: MediaCounters | undefined, name: keyof MediaCounters, by: number): void {
  if (counters !== undefined) counters[name] += by;
}

function producerId(streamId: string): string {
  return `media:${streamId}`;
}

function initCidsOf({ last }: StreamState): Record<string, string> | undefined {
  if (last === undefined) return undefined;
  return Object.fromEntries(Object.entries(last.renditions).map(([name, { initCid }]) => [name, initCid]));
}
