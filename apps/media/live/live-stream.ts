import { failoverSwitched } from '#events';
import { hasCode } from '#kernel';
import type { BlobStore, LeaseStore, ProcessRunner } from '#ports';
import { HeldLease, pause, type FactPublisher, type Logger } from '#runtime';
import type { SwitchEffect } from '../failover/failover-machine.core.ts';
import { cuesId } from '../cues/cue-teller.ts';
import { timeZeroAfter } from '../failover/time-zero.core.ts';
import type { LiveEdge } from '../edge/live-edge.ts';
import type { LiveFeed } from '../feed/live-feed.ts';
import type { StreamFollower } from '../fold/stream-follower.ts';
import type { EncoderSessions } from '../run/encoder-sessions.ts';
import type { MediaCounters } from '../media-counters.ts';
import type { Sampling } from '../sampling/sampling.ts';
import { samplerId } from '../sampling/stream-sampler.ts';
import type { Overload } from './overload.ts';
import { PublisherDesk } from './publisher-desk.ts';
import { SessionEncoder } from './session-encoder.ts';

export interface LiveStreamInit {
  readonly streamId: string;
  readonly owner: string;
  readonly node: string;
  /** ffmpeg. */
  readonly program: string;
  /** Index into the presets to begin with. */
  readonly preset: number;
  /** How long the machine must have kept up before something that was given up is tried again; a minute by default. */
  readonly shedCalmMs?: number;
  readonly vaapiDevice: string;
  readonly leaseTtlMs: number;
  /** Media of a session that is kept for a restart, bytes. */
  readonly feedBytesMax: number;
  /** Media silence after which the other publisher takes over. */
  readonly failoverSilenceMs: number;
  /** How long the preferred publisher must have been well before it is gone back to. */
  readonly failoverReturnMs: number;
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
  readonly sampling?: Sampling;
  /** Told while a stream has nothing left to give up. */
  readonly overload?: Overload;
}

/** What ends the work on a stream early. */
interface Ends {
  /** The process ends. */
  readonly shutdown: AbortSignal;
  /** It does, or somebody else has the lease. */
  readonly any: AbortSignal;
}

/** Whoever has a part in a change of publishers. */
interface Work {
  readonly desk: PublisherDesk;
  readonly encoder: SessionEncoder;
}

/** One that still sends is encoded on for so long behind the other's key frame: both must meet without a hole. */
const overlapMs = 150;
const publishAgainMs = 500;
/** How long media of a stream may be held back that is stored as it is and watched by nobody, ms: less than any silence that matters. */
const gatherMs = 400;

/**
 * One stream, held under the lease `media/<streamId>`: reads what its publishers send and packages the media of one of them,
 * until nobody publishes, the stream is stopped, or this process ends. Which one is decided here, and told on the log before
 * it is so: whoever takes over from this process goes on with the same.
 */
export class LiveStream {
  readonly #init: LiveStreamInit;
  readonly #deps: LiveStreamDeps;
  readonly #logger: Logger;
  /** Connections whose media is used up. */
  readonly #usedUp = new WeakSet<LiveFeed>();
  /** Ends the input of the encoder that runs now. */
  #cut: AbortController | undefined;
  /** Switches that are not on the log yet, one after the other. */
  #switching: Promise<void> = Promise.resolve();
  #underWay = 0;

  constructor(init: LiveStreamInit, deps: LiveStreamDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#logger = deps.logger.child({ streamId: init.streamId });
  }

  /**
   * Answers false when another process holds the stream; otherwise true, once there is nothing left to do.
   * @param shutdown ends it in good order: what is encoded is stored
   */
  async run(shutdown: AbortSignal): Promise<boolean> {
    const { streamId, owner, leaseTtlMs, feedBytesMax, failoverSilenceMs: silenceMs, failoverReturnMs: returnMs } = this.#init;
    const { leases, facts, follower } = this.#deps;
    const producers = [producerId(streamId), cuesId(streamId), samplerId(streamId)];
    const known = (): Promise<bigint> => facts.knownEpoch('stream', producers);
    const held = await HeldLease.acquire({ name: `media/${streamId}`, owner, ttlMs: leaseTtlMs, known }, { leases, logger: this.#logger });
    if (held === undefined) return false;
    const ends: Ends = { shutdown, any: AbortSignal.any([shutdown, held.lost]) };
    const pace = (): void => this.#pace({ desk, encoder });
    const encoder = new SessionEncoder({ ...this.#init, producerId: producerId(streamId) }, { ...this.#deps, logger: this.#logger, held, onRun: pace });
    const onSwitch = (effect: SwitchEffect): void => this.#goOver(effect, held, { desk, encoder }, ends);
    const desk: PublisherDesk = new PublisherDesk(
      { streamId, feedBytesMax, silenceMs, returnMs },
      { follower, logger: this.#logger, onSwitch, onPublishers: pace },
    );
    this.#init.edge.onWatched = pace;
    desk.open();
    try {
      await this.#hold(desk, encoder, ends);
      return !held.lost.aborted && !encoder.fenced;
    } finally {
      await desk.close();
      await this.#switching;
      this.#init.edge.onWatched = undefined;
      this.#init.edge.close();
      await held.release();
      facts.release(producerId(streamId));
      facts.release(cuesId(streamId));
      this.#deps.sampling?.leave(streamId);
      this.#deps.overload?.set(streamId, false);
    }
  }

  /** Encodes what is in use, for as long as somebody publishes. */
  async #hold(desk: PublisherDesk, encoder: SessionEncoder, ends: Ends): Promise<void> {
    while (!ends.any.aborted) {
      await this.#switching;
      if (desk.publishers === 0) return;
      const source = desk.active;
      const feed = source?.feed;
      if (source === undefined || feed === undefined || this.#usedUp.has(feed)) {
        await desk.changed(ends.any);
        continue;
      }
      const cut = new AbortController();
      this.#cut = cut;
      const result = await encoder.encode({ source, feed, shutdown: ends.shutdown, cut: cut.signal });
      this.#cut = undefined;
      if (result === 'leave') return;
      if (feed.end !== undefined || !cut.signal.aborted) this.#usedUp.add(feed);
    }
  }

  /**
   * An encoder is fed evenly, and those who play at the live edge, or a second publisher, are waited for: then media comes at once.
   * Otherwise it comes when it makes a segment, which costs this process and the ingest a fraction.
   */
  #pace({ desk, encoder }: Work): void {
    const mayWait = encoder.carries && this.#init.edge.readers === 0 && desk.publishers === 1;
    desk.gather(mayWait ? gatherMs : 0);
  }

  #goOver(effect: SwitchEffect, held: HeldLease, { desk, encoder }: Work, ends: Ends): void {
    const { from, to, reason, planned } = effect;
    this.#logger.warn({ from, to, reason, silentMs: effect.silentMs }, `going over to the ${to.endpoint} publisher: ${reason}`);
    const cut = this.#cut;
    // What is carried as it is meets the other at that key frame, not behind it.
    if (planned && !encoder.carries) setTimeout(() => cut?.abort(), overlapMs);
    else cut?.abort();
    const startedAtMs = this.#timeZero(effect, desk);
    this.#underWay += 1;
    this.#switching = this.#switching.then(async () => {
      await this.#tell(effect, startedAtMs, held, ends);
      this.#underWay -= 1;
      if (this.#underWay === 0) desk.settle();
    });
  }

  /** So that what both sent at one moment is shown at one moment. */
  #timeZero({ from, to }: SwitchEffect, desk: PublisherDesk): number {
    const [before, after] = [desk.source(from.sessionId), desk.source(to.sessionId)];
    return timeZeroAfter(
      { toldMs: before?.session.startedAtMs, heardMs: before?.clock.zeroMs },
      { toldMs: after?.session.startedAtMs ?? 0, heardMs: after?.clock.zeroMs, latestMs: after?.feed?.media.latestMs ?? 0 },
      this.#deps.follower.get(this.#init.streamId)?.last,
    );
  }

  /** Tried until it is on the log: the next encoder starts from what is there. */
  async #tell({ from, to, reason, silentMs }: SwitchEffect, startedAtMs: number, held: HeldLease, { any }: Ends): Promise<void> {
    const { streamId, node } = this.#init;
    const { facts, follower } = this.#deps;
    const tenant = follower.get(streamId)?.sessions[0]?.tenant ?? 'default';
    while (!any.aborted) {
      const parties = { fromSessionId: from.sessionId, from: from.endpoint, toSessionId: to.sessionId, to: to.endpoint };
      const draft = failoverSwitched.draft({ streamId, epoch: Number(held.epoch), node, ...parties, reason, silentMs, startedAtMs });
      try {
        const producer = { id: producerId(streamId), epoch: held.epoch };
        const causes = { correlationId: to.sessionId, causationId: from.sessionId };
        for (const position of await facts.publish('stream', [draft], { producer, tenant, ...causes })) await follower.reached(position);
        return;
      } catch (err) {
        this.#logger.error({ err }, 'a change of publishers is not on the log yet; trying again');
        if (hasCode(err, 'PRODUCER_FENCED')) return;
        await pause(publishAgainMs, any);
        if (hasCode(err, 'PRODUCER_UNCERTAIN')) await held.renewEpoch();
      }
    }
  }
}

function producerId(streamId: string): string {
  return `media:${streamId}`;
}
