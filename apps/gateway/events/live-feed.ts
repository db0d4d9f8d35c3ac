import type { ServerResponse } from 'node:http';
import { documentOf, problemOf } from '../http/problem.document.ts';
import type { LiveEvent, LiveReader } from './live-reader.ts';
import type { LogTail } from './log-tail.ts';
import { formatToken } from './position-token.codec.ts';

export interface LiveFeedInit {
  readonly response: ServerResponse;
  readonly reader: LiveReader;
  readonly tail: LogTail;
  /** Aborted when the process ends. */
  readonly stopping: AbortSignal;
  readonly heartbeatMs: number;
  /** How long a reader may take nothing while something waits for it, ms. */
  readonly stallMs: number;
  /** How often `stillAllowed` is asked, ms; false ends the feed. */
  readonly recheckMs: number;
  readonly stillAllowed: () => Promise<boolean>;
}

/** How long browsers wait before they come back, ms. */
const retryMs = 1_000;
/** Characters written at once: the most that is ever buffered for one reader, besides one event larger than it. */
const writeCharsMax = 65_536;

export type FeedEnd = 'client-gone' | 'too-slow' | 'stopping' | 'not-allowed' | 'failed';

function frame({ event, positions }: LiveEvent): string {
  return `id: ${formatToken('live', positions)}\ndata: ${event.json}\n\n`;
}

/**
 * Writes events to one reader as server-sent events (WHATWG HTML section 9.2) for as long as it keeps up. Nothing is
 * queued: the next events are read from the log when the last have left. A reader that takes nothing for `stallMs` is
 * cut off; the last id that it saw brings it back to where it was.
 */
export class LiveFeed {
  readonly #init: LiveFeedInit;
  readonly #gone = new AbortController();

  constructor(init: LiveFeedInit) {
    this.#init = init;
    init.response.on('close', () => this.#gone.abort());
  }

  async run(): Promise<FeedEnd> {
    const { response, reader } = this.#init;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      ...openHeaders(response),
    });
    try {
      // The first id lets a reader resume even if it is cut off before the first event.
      if (!(await this.#write(`retry: ${retryMs}\nid: ${formatToken('live', reader.positions)}\n\n`))) return this.#cut();
      return await this.#pump();
    } catch (error) {
      if (this.#gone.signal.aborted) return 'client-gone';
      response.end(`event: error\ndata: ${JSON.stringify(documentOf(problemOf(error).init, '/api/v1/events/live'))}\n\n`);
      return 'failed';
    }
  }

  async #pump(): Promise<FeedEnd> {
    const { reader, stopping, heartbeatMs, recheckMs, stillAllowed } = this.#init;
    let recheckAt = performance.now() + recheckMs;
    for (let beatAt = performance.now() + heartbeatMs; ;) {
      if (this.#gone.signal.aborted) return 'client-gone';
      if (stopping.aborted) return this.#finish('stopping');
      if (!(await this.#send(await reader.next()))) return this.#cut();
      if (performance.now() >= recheckAt) {
        if (!(await stillAllowed())) return this.#finish('not-allowed');
        recheckAt = performance.now() + recheckMs;
      }
      if (performance.now() >= beatAt) {
        // An id without data moves the reader's position past events that its filter left out.
        if (!(await this.#write(`id: ${formatToken('live', reader.positions)}\n: heartbeat\n\n`))) return this.#cut();
        beatAt = performance.now() + heartbeatMs;
      }
      if (!reader.behind) await this.#sleep(Math.min(beatAt, recheckAt) - performance.now());
    }
  }

  async #send(events: readonly LiveEvent[]): Promise<boolean> {
    let text = '';
    for (const event of events) {
      text += frame(event);
      if (text.length < writeCharsMax) continue;
      if (!(await this.#write(text))) return false;
      text = '';
    }
    return text === '' || this.#write(text);
  }

  /** False when the reader has to be cut off. */
  async #write(text: string): Promise<boolean> {
    if (this.#gone.signal.aborted || this.#init.response.write(text)) return true;
    return new Promise((resolve) => {
      const { response, stallMs } = this.#init;
      const done = (kept: boolean): void => {
        clearTimeout(timer);
        response.off('drain', drained);
        this.#gone.signal.removeEventListener('abort', drained);
        resolve(kept);
      };
      const drained = (): void => done(true);
      const timer = setTimeout(() => done(false), stallMs);
      response.on('drain', drained);
      this.#gone.signal.addEventListener('abort', drained, { once: true });
    });
  }

  #finish(end: FeedEnd): FeedEnd {
    this.#init.response.end();
    return end;
  }

  #cut(): FeedEnd {
    this.#init.response.destroy();
    return 'too-slow';
  }

  /** Until the tail moves, a heartbeat or a check is due, the client leaves, or the process ends. */
  async #sleep(ms: number): Promise<void> {
    const { tail, stopping } = this.#init;
    const woken = Promise.withResolvers<void>();
    const wake = (): void => woken.resolve();
    const timer = setTimeout(wake, Math.max(0, ms));
    const signals = [stopping, this.#gone.signal];
    for (const signal of signals) signal.addEventListener('abort', wake, { once: true });
    if (signals.some((signal) => signal.aborted)) wake();
    await Promise.race([tail.moved, woken.promise]);
    clearTimeout(timer);
    for (const signal of signals) signal.removeEventListener('abort', wake);
  }
}

/** HTTP/1.1 connections stay open by themselves; HTTP/1.0 has to be told. */
function openHeaders(response: ServerResponse): Record<string, string> {
  return response.req.httpVersion === '1.0' ? { connection: 'close' } : {};
}
