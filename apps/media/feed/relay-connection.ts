import { randomUUID } from 'node:crypto';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { FlvReader } from '#core/flv';
import { OperatingError } from '#kernel';
import type { Logger } from '#runtime';
import type { LiveSession } from '../fold/stream-fold.core.ts';
import type { LiveFeed } from './live-feed.ts';

export interface RelayConnectionInit {
  readonly session: LiveSession;
  /** Up to where the session is stored, whole ms of it; 0 for nothing. */
  readonly storedMs: number;
  readonly connectTimeoutMs: number;
  /** Silence after which the relay counts as gone, ms; longer than a relay keeps a silent publisher. */
  readonly silenceMsMax: number;
}

/** While the feed is full the socket is looked at again after this long. */
const fullPauseMs = 50;

/**
 * Reads a session from its relay into a feed. The end of the response is the end of the session; anything else that ends
 * it is a broken connection.
 */
export class RelayConnection {
  readonly #init: RelayConnectionInit;
  readonly #feed: LiveFeed;
  readonly #logger: Logger;
  readonly #request: ClientRequest;
  /** What Node hands over is ours. */
  readonly #reader = new FlvReader({ keepsBytes: true });
  readonly #url: URL;
  #timer: NodeJS.Timeout | undefined;
  /** What the relay was asked for last, ms. */
  #gatherMs = 0;
  /** What the relay was told last, ms. */
  #storedMs = 0;

  private constructor(init: RelayConnectionInit, feed: LiveFeed, logger: Logger) {
    this.#init = init;
    this.#feed = feed;
    this.#logger = logger;
    this.#url = new URL(init.session.relayUrl);
    this.#url.searchParams.set('session', init.session.sessionId);
    this.#url.searchParams.set('reader', randomUUID());
    const url = new URL(this.#url);
    url.searchParams.set('from', String(init.storedMs));
    // Its body is what is told while the answer lasts (`stored`).
    this.#request = request(url, { agent: false, headers: { accept: 'video/x-flv', 'transfer-encoding': 'chunked' } });
  }

  /** @throws OperatingError `RELAY_UNREACHABLE` or `SESSION_UNKNOWN`, both retryable: the log may know more soon */
  static async open(init: RelayConnectionInit, feed: LiveFeed, logger: Logger): Promise<RelayConnection> {
    const connection = new RelayConnection(init, feed, logger);
    const response = await connection.#respond();
    if (response.statusCode !== 200) {
      response.resume();
      connection.close();
      throw new OperatingError(`The relay answered ${response.statusCode}.`, { code: 'SESSION_UNKNOWN', retryable: true });
    }
    connection.#read(response);
    return connection;
  }

  /**
   * Lets the relay hold back for so long what makes no segment sooner, ms; 0: nothing. One that does not know how, or does not
   * answer, sends everything at once, or goes on as it does until it is asked again.
   */
  gather(ms: number): void {
    if (ms === this.#gatherMs) return;
    this.#gatherMs = ms;
    const url = new URL(this.#url);
    url.searchParams.set('gather', String(ms));
    const failed = (err: unknown): void => {
      this.#logger.debug({ err }, 'the relay was not told how soon media is needed');
      if (this.#gatherMs === ms) this.#gatherMs = Number.NaN;
    };
    const asked = request(url, { method: 'PUT', agent: false, timeout: this.#init.connectTimeoutMs }, (response) => {
      response.resume();
      if (response.statusCode !== 204 && response.statusCode !== 405) failed(new Error(`it answered ${response.statusCode}`));
    });
    asked.on('timeout', () => asked.destroy(new Error('it does not answer')));
    asked.on('error', failed);
    asked.end();
  }

  /** Segments are stored up to there, whole ms of the session: the relay keeps what follows for whoever reads it after us. */
  stored(ms: number): void {
    if (ms === this.#storedMs || this.#request.destroyed) return;
    this.#storedMs = ms;
    this.#request.write(`${ms}\n`);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#request.destroy();
    this.#feed.finish('broken');
  }

  #respond(): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const fail = (cause: Error): void =>
        reject(new OperatingError(`The relay cannot be reached: ${cause.message}`, { code: 'RELAY_UNREACHABLE', retryable: true, cause }));
      this.#request.setTimeout(this.#init.connectTimeoutMs, () => this.#request.destroy(new Error('it does not answer')));
      this.#request.once('response', resolve);
      this.#request.on('error', (error) => {
        fail(error);
        this.#feed.finish('broken');
      });
      this.#request.flushHeaders();
    });
  }

  #read(response: IncomingMessage): void {
    this.#request.setTimeout(this.#init.silenceMsMax, () => this.#request.destroy(new Error('the relay is silent')));
    response.on('data', (chunk: Buffer) => this.#take(response, chunk));
    response.once('end', () => this.#feed.finish(response.complete ? 'session-over' : 'broken'));
    response.once('error', () => this.#feed.finish('broken'));
    response.once('close', () => this.#feed.finish('broken'));
  }

  #take(response: IncomingMessage, chunk: Uint8Array): void {
    try {
      this.#feed.push(this.#reader.push(chunk));
    } catch (err) {
      this.#logger.error({ err }, 'the relay sends what is not FLV');
      return this.close();
    }
    if (this.#feed.media.full) this.#holdBack(response);
  }

  /** The relay sees its backlog grow and cuts us off in the end: memory here stays bounded. */
  #holdBack(response: IncomingMessage): void {
    response.pause();
    this.#timer = setTimeout(() => (this.#feed.media.full ? this.#holdBack(response) : response.resume()), fullPauseMs);
  }
}
