import { tagType, type FlvError } from '#core/flv';
import { ServerSession, type MediaMessage, type RtmpError, type ServerSessionEffect, type ServerSessionInit, type ServerSessionInput } from '#core/rtmp';
import type { InterruptReason, RejectReason } from '#domain/stream';
import type { Millis } from '#kernel';
import type { Clock } from '#ports';
import type { Logger, Telemetry } from '#runtime';
import type { Socket } from 'node:net';
import type { Admission } from './admission.ts';
import { CorrectionMeter } from './correction-meter.ts';
import type { LiveSession, SessionConnection, SessionEnd } from './live-session.ts';
import type { Rejections } from './rejections.ts';
import { SessionLimits, type LimitBreach } from './session-limits.ts';
import type { SessionRegistry } from './session-registry.ts';
import { TokenBucket } from './token-bucket.ts';

export interface PublisherConnectionInit {
  readonly endpoint: 'primary' | 'backup';
  readonly remoteAddress: string;
  readonly session: ServerSessionInit;
  /** Called once, when the publisher is admitted. */
  readonly onPublished: () => void;
}

export interface PublisherConnectionDeps {
  readonly admission: Admission;
  readonly registry: SessionRegistry;
  readonly rejections: Rejections;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry?: Telemetry;
}

/** Answers to a publisher are small; one that does not read them is not one. */
const unsentBytesMax = 256 * 1024;
/** For the last answer to get out before the socket is destroyed. */
const lingerMs = 2_000;
/** More cues than become markers, so that the packager can say so. */
const cueRate = { perSecond: 5, burst: 50 };
/** One more than the packager reads: it is told as too long there. */
const cueBytesMax = 16_385;
/** How long a publisher that has ended may take to hang up. */
const farewellMs = 500;

const interruptReasons: Readonly<Record<string, InterruptReason>> = {
  RTMP_STALLED: 'stalled',
  RTMP_TOO_SLOW: 'too-slow',
  RTMP_TRACKS_EXCEEDED: 'limit-exceeded',
  RTMP_CODEC_UNSUPPORTED: 'unsupported-codec',
};
const rejectReasons: Readonly<Record<string, RejectReason>> = {
  RTMP_APP_UNKNOWN: 'unknown-app',
  RTMP_CODEC_UNSUPPORTED: 'unsupported-codec',
  RTMP_TRACKS_EXCEEDED: 'limit-exceeded',
};

/** Drives one RTMP session on a socket: bytes and ticks in, effects out. */
export class PublisherConnection implements SessionConnection {
  readonly #init: PublisherConnectionInit;
  readonly #deps: PublisherConnectionDeps;
  readonly #socket: Socket;
  readonly #protocol: ServerSession;
  readonly #corrections: CorrectionMeter;
  readonly #gone = new AbortController();
  #live: LiveSession | undefined;
  #limits: SessionLimits | undefined;
  #breach: LimitBreach | undefined;
  #cues: TokenBucket | undefined;
  #closing = false;
  #farewell: NodeJS.Timeout | undefined;
  #linger: NodeJS.Timeout | undefined;
  /** When the last byte came. */
  #heardAt: Millis;
  lastMediaAt: Millis;

  constructor(init: PublisherConnectionInit, socket: Socket, deps: PublisherConnectionDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#socket = socket;
    this.#corrections = new CorrectionMeter(deps.telemetry);
    this.#heardAt = deps.clock.now();
    this.lastMediaAt = this.#heardAt;
    this.#protocol = new ServerSession(init.session, this.#heardAt);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#closed());
  }

  /** Bytes from the socket; borrowed for the call. */
  receive(bytes: Uint8Array): void {
    this.#heardAt = this.#deps.clock.now();
    this.#step({ kind: 'bytes', bytes });
  }

  tick(now: Millis): void {
    if (this.#live !== undefined) this.#corrections.report(this.#protocol.counts);
    this.#enforce(this.#limits?.check(this.#protocol.receivedBytes, now));
    const deadline = this.#protocol.nextDeadline();
    if (deadline !== undefined && now >= deadline) this.#step({ kind: 'tick' });
  }

  askReconnect(description: string): boolean {
    if (!this.#protocol.canReconnect) return false;
    this.#step({ kind: 'ask-reconnect', description });
    return true;
  }

  end(description: string): void {
    this.#step({ kind: 'end', status: { level: 'error', code: 'NetStream.Publish.Rejected', description } });
  }

  #step(input: ServerSessionInput): void {
    for (const effect of this.#protocol.step(input, this.#deps.clock.now())) this.#perform(effect);
    const breach = this.#breach;
    this.#breach = undefined;
    // Not in the middle of what one input leads to.
    this.#enforce(breach);
  }

  #perform(effect: ServerSessionEffect): void {
    switch (effect.kind) {
      case 'send':
        return this.#send(effect.bytes);
      case 'publish':
        this.#admit(effect.path.key).catch((err: unknown) => this.#abandon(err));
        return;
      case 'media':
        if (this.#live === undefined) effect.tag.release();
        else this.#relay(this.#live, effect);
        return;
      case 'metadata':
        this.#breach ??= this.#limits?.announced(effect.body);
        this.#live?.relay.setMetadata(effect.body);
        return;
      case 'cue':
        this.#cue(effect.timestampMs, effect.body);
        return;
      case 'unpublish':
        return this.#endLive({ reason: 'unpublished', detail: '' });
      case 'close':
        return this.#close(effect.error);
    }
  }

  #relay(live: LiveSession, message: MediaMessage): void {
    if (message.type === tagType.video && message.packet === 'sequence-header') this.#breach ??= this.#limits?.picture(message.tag.copyBody(), message.track);
    this.lastMediaAt = this.#heardAt;
    if (message.packet === 'frames') live.relay.began(this.#heardAt - message.timestampMs);
    live.relay.add(message);
  }

  /** Judged by the packager, who knows what viewers see; here it is bounded what a publisher can have passed on. */
  #cue(timestampMs: number, body: Uint8Array): void {
    this.#cues ??= new TokenBucket(cueRate, this.#heardAt);
    if (this.#cues.take(this.#heardAt)) this.#live?.relay.addCue(timestampMs, body.subarray(0, cueBytesMax));
  }

  /** The encoder hears which limit it is, and so does the log: by how the session ended. */
  #enforce(breach: LimitBreach | undefined): void {
    const live = this.#live;
    if (breach === undefined || live === undefined) return;
    const { reason, detail } = breach;
    if (reason === 'limit-exceeded') {
      this.#deps.rejections.count(reason);
      this.#deps.admission.breached(live, { reason, detail });
    }
    this.#endLive(breach);
    this.end(detail);
  }

  #send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
    if (this.#socket.writableLength > unsentBytesMax) this.#socket.destroy();
  }

  /** The socket is not read while the decision is awaited: what the publisher sends meanwhile waits in the kernel. */
  async #admit(key: string): Promise<void> {
    this.#socket.pause();
    const { endpoint, remoteAddress } = this.#init;
    const result = await this.#deps.admission.admit({ key, endpoint, remoteAddress, connection: this, signal: this.#gone.signal });
    this.lastMediaAt = this.#deps.clock.now();
    if (!result.admitted) return this.#step({ kind: 'publish-refused', description: result.description });
    this.#live = result.session;
    const { limits, endsAt, startedAt } = result.session;
    this.#limits = new SessionLimits(limits, endsAt, { now: startedAt, bytes: this.#protocol.receivedBytes });
    this.#init.onPublished();
    if (this.#gone.signal.aborted) return this.#endLive({ reason: 'connection-closed', detail: 'The publisher left while it was admitted.' });
    this.#step({ kind: 'publish-accepted' });
    this.#socket.resume();
  }

  #abandon(err: unknown): void {
    this.#deps.logger.error({ err }, 'an admission failed');
    this.#socket.destroy();
  }

  #endLive(end: SessionEnd): void {
    const live = this.#live;
    if (live === undefined) return;
    this.#live = undefined;
    this.#corrections.report(this.#protocol.counts);
    const { told } = this.#corrections;
    if (Object.keys(told).length > 0)
      this.#deps.logger.info({ streamId: live.streamId, sessionId: live.sessionId, ...told }, "corrections of the publisher's media");
    void this.#deps.registry.end(live, end);
  }

  #close(error: RtmpError | FlvError | undefined): void {
    this.#closing = true;
    if (error !== undefined) this.#report(error);
    this.#endLive({ reason: 'unpublished', detail: '' });
    // Who said that it ends hangs up itself: GStreamer takes it for a failure when we are faster.
    if (error === undefined) this.#farewell = setTimeout(() => this.#socket.end(), farewellMs);
    else this.#socket.end();
    // Reading on empties the kernel's buffer: closing with unread bytes would reset the connection and lose the answer.
    this.#socket.resume();
    this.#linger = setTimeout(() => this.#socket.destroy(), lingerMs);
  }

  #report(error: RtmpError | FlvError): void {
    const { remoteAddress } = this.#init;
    const reject = rejectReasons[error.code];
    // It was let in: that it ends, and why, is one fact, and its refusal no second one.
    if (this.#live !== undefined) {
      if (reject !== undefined) {
        this.#deps.rejections.count(reject);
        this.#deps.admission.breached(this.#live, { reason: reject, detail: error.message });
      }
      return this.#endLive({ reason: interruptReasons[error.code] ?? 'protocol-error', detail: error.message });
    }
    const refusedByStream = error.code === 'RTMP_PUBLISH_REFUSED';
    // Port scanners and health checks connect and say nothing: that is no attempt to publish, and no fact for the log.
    const silent = error.code === 'RTMP_HANDSHAKE_TIMEOUT' && this.#protocol.receivedBytes === 0;
    if (refusedByStream || silent) return;
    this.#deps.rejections.record({ streamId: '', reason: reject ?? 'protocol-error', detail: error.message, remoteAddress });
  }

  #closed(): void {
    clearTimeout(this.#farewell);
    clearTimeout(this.#linger);
    this.#gone.abort();
    this.#endLive({ reason: 'connection-closed', detail: '' });
    if (!this.#closing)
      this.#protocol.step({ kind: 'end', status: { level: 'status', code: 'NetConnection.Connect.Closed', description: '' } }, this.#deps.clock.now());
  }
}
