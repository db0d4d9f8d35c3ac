import type { FlvTag } from '#core/flv';
import { SessionFeed, type SessionFeedInit } from './session-feed.core.ts';

/** How the relay's connection came to its end. */
export type FeedEnd =
  /** The relay said that the session is over. */
  | 'session-over'
  /** The connection broke: the session may go on. */
  | 'broken';

export interface LiveFeedInit extends SessionFeedInit {
  /** Told of media that has come. */
  readonly onMedia?: (tags: readonly FlvTag[]) => void;
}

/** A session's media as it arrives, and waiting for more of it. */
export class LiveFeed {
  readonly media: SessionFeed;
  readonly #onMedia: LiveFeedInit['onMedia'];
  #end: FeedEnd | undefined;
  #waiting: Array<() => void> = [];
  readonly #ended = Promise.withResolvers<void>();
  /** Those that end somebody's waiting, and how to heed them no more: adding a listener for each wait costs more than the media. */
  readonly #signals = new Map<AbortSignal, () => void>();
  readonly #watchers = new Set<(tags: readonly FlvTag[]) => void>();

  constructor(init: LiveFeedInit) {
    this.media = new SessionFeed(init);
    this.#onMedia = init.onMedia;
  }

  /** Undefined while media may still come. */
  get end(): FeedEnd | undefined {
    return this.#end;
  }

  push(tags: readonly FlvTag[]): void {
    for (const tag of tags) this.media.push(tag);
    this.#onMedia?.(tags);
    for (const watch of this.#watchers) watch(tags);
    this.#wake();
  }

  /** Sees all media from now on as it arrives, until the function that it answers is called. */
  watch(watcher: (tags: readonly FlvTag[]) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  finish(end: FeedEnd): void {
    this.media.close();
    this.#end ??= end;
    this.#ended.resolve();
    this.#wake();
  }

  /** Resolves at the next change: media, the end, or the signal, which is heeded until {@link LiveFeed.unheed}. Whoever waits looks again. */
  changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    if (!this.#signals.has(signal)) this.#heed(signal);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Nobody waits with this signal any more. */
  unheed(signal: AbortSignal): void {
    this.#signals.get(signal)?.();
    this.#signals.delete(signal);
  }

  /** Resolves at the end, or the signal. */
  async over(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    const done = (): void => aborted.resolve();
    signal.addEventListener('abort', done, { once: true });
    if (!signal.aborted) await Promise.race([this.#ended.promise, aborted.promise]);
    signal.removeEventListener('abort', done);
  }

  #heed(signal: AbortSignal): void {
    const wake = (): void => {
      this.#signals.delete(signal);
      this.#wake();
    };
    this.#signals.set(signal, () => signal.removeEventListener('abort', wake));
    signal.addEventListener('abort', wake, { once: true });
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
