import { tagType, timeZeroOf, type FlvTag } from '#core/flv';
import { OperatingError } from '#kernel';
import { pause, type Logger } from '#runtime';
import { CaptionTap } from '../captions/caption-tap.core.ts';
import { CueTap } from '../cues/cue-tap.core.ts';
import { ArrivalClock } from '../feed/arrival-clock.core.ts';
import { LiveFeed } from '../feed/live-feed.ts';
import { RelayConnection } from '../feed/relay-connection.ts';
import type { LiveSession } from '../fold/stream-fold.core.ts';

export interface PublisherSourceInit {
  readonly session: LiveSession;
  /** Media that is kept, bytes. */
  readonly feedBytesMax: number;
  /** Up to where the session is stored now, ms of it; 0 for nothing. */
  readonly storedMs: () => number;
}

export interface PublisherSourceDeps {
  readonly logger: Logger;
  /** Media came; `keyFrame` when it can be begun with. */
  readonly onMedia: (source: PublisherSource, keyFrame: boolean) => void;
  /** The relay said that the session is over, or the connection broke. */
  readonly onEnd: (source: PublisherSource, end: 'session-over' | 'broken') => void;
  /** The feed is another one. */
  readonly onFeed: () => void;
}

const connectTimeoutMs = 3000;
const reconnectMs = 250;
const silenceMsMax = 15_000;
/** How long the relay may take to end a session that is over on the log. */
const overMsMax = 5000;

/** One publisher's session as its relay serves it: connected to again and again for as long as the session may go on. */
export class PublisherSource {
  readonly clock = new ArrivalClock();
  /** Over all of its connections: what was written and is not shown yet is known to nobody else. */
  readonly captions = new CaptionTap();
  readonly cues = new CueTap();
  readonly #init: PublisherSourceInit;
  readonly #deps: PublisherSourceDeps;
  readonly #closed = new AbortController();
  readonly #overOnLog = new AbortController();
  readonly #kept: Promise<void>;
  #session: LiveSession;
  #feed: LiveFeed | undefined;
  #connection: RelayConnection | undefined;
  #gatherMs = 0;
  /** When the session's time zero was, as its relay says. */
  #zeroMs: number | undefined;
  #over = false;
  #overTimer: NodeJS.Timeout | undefined;

  constructor(init: PublisherSourceInit, deps: PublisherSourceDeps) {
    this.#session = init.session;
    this.#init = init;
    this.#deps = deps;
    this.#kept = this.#keep();
  }

  /** As the log tells it; while that does not say when its time zero was, as its relay does. */
  get session(): LiveSession {
    return this.#session;
  }

  set session(told: LiveSession) {
    this.#session = told;
    this.#place();
  }

  /** What the newest connection brings; undefined before the first. */
  get feed(): LiveFeed | undefined {
    return this.#feed;
  }

  /** True when nothing more will come. */
  get over(): boolean {
    return this.#over;
  }

  /** Aborted when the session has been over for long enough: what is not stored by then is given up. */
  get late(): AbortSignal {
    return this.#closed.signal;
  }

  /** For how long media may be held back that makes no segment sooner, ms. */
  gather(ms: number): void {
    this.#gatherMs = ms;
    this.#connection?.gather(ms);
  }

  /** What is shown before `ms` of the session is stored, or not needed. */
  stored(ms: number): void {
    this.#connection?.stored(Math.max(0, Math.floor(ms)));
  }

  /** The log says that it is over: the relay has a moment to send what is left. */
  endSoon(): void {
    this.#overOnLog.abort();
    this.#overTimer ??= setTimeout(() => this.#closed.abort(), overMsMax);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#kept;
  }

  async #keep(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted && !this.#over) {
      await this.#connectOnce(signal);
      if (this.#overOnLog.signal.aborted) break;
      if (!this.#over) await pause(reconnectMs, AbortSignal.any([signal, this.#overOnLog.signal]));
    }
    clearTimeout(this.#overTimer);
    this.#over = true;
    this.#feed?.finish('session-over');
    this.#deps.onFeed();
  }

  async #connectOnce(signal: AbortSignal): Promise<void> {
    const { session, feedBytesMax } = this.#init;
    const { logger } = this.#deps;
    let heard = 0;
    const feed: LiveFeed = new LiveFeed({
      bytesMax: feedBytesMax,
      onMedia: (tags) => {
        this.#hear(tags);
        this.#deps.onMedia(this, feed.media.keyFrames > heard);
        heard = feed.media.keyFrames;
      },
    });
    try {
      const storedMs = Math.max(0, Math.floor(this.#init.storedMs()));
      const connection = await RelayConnection.open({ session, storedMs, connectTimeoutMs, silenceMsMax }, feed, logger);
      this.#feed = feed;
      this.#connection = connection;
      this.#deps.onFeed();
      connection.gather(this.#gatherMs);
      await feed.over(signal);
      connection.close();
    } catch (err) {
      const isExpected = err instanceof OperatingError && err.retryable;
      logger[isExpected ? 'debug' : 'error']({ err }, 'no relay yet');
    }
    this.#connection = undefined;
    if (feed.end === 'session-over') this.#over = true;
    if (!signal.aborted) this.#deps.onEnd(this, feed.end ?? 'broken');
  }

  #place(): void {
    const { isPlaced } = this.#session;
    if (isPlaced !== true && this.#zeroMs !== undefined) this.#session = { ...this.#session, startedAtMs: this.#zeroMs };
  }

  #hear(tags: readonly FlvTag[]): void {
    for (const { type, body } of tags) {
      if (type !== tagType.script) continue;
      this.#zeroMs = timeZeroOf(body) ?? this.#zeroMs;
      this.#place();
    }
    // Never goes back, as the clock of the machine may.
    const now = performance.timeOrigin + performance.now();
    for (const { timestampMs } of tags.slice(-1)) this.clock.hear(timestampMs, now);
    this.captions.hear(tags);
    this.cues.hear(tags);
  }
}
