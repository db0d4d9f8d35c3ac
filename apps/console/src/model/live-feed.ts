import { type Api, problemOf } from './api.ts';
import { SseParser, type SseMessage } from '#sdk/sse';

export type FeedState = 'connecting' | 'live' | 'waiting' | 'refused';

export interface LiveFeedInit {
  readonly path: string;
  /** First wait after a break, ms, doubled with each further one; 500 by default. */
  readonly retryMs?: number;
  onMessages(messages: readonly SseMessage[]): void;
  onState(state: FeedState, detail: string): void;
}

const retryMsMax = 8000;

/** Follows a server-sent event stream until aborted, resuming after every break from the last id it has seen. */
export async function followFeed(api: Api, init: LiveFeedInit, signal: AbortSignal): Promise<void> {
  const retryMsMin = init.retryMs ?? 500;
  let lastId = '';
  let retryMs = retryMsMin;
  while (!signal.aborted) {
    const parser = new SseParser();
    try {
      init.onState('connecting', '');
      const response = await api.open(init.path, lastId === '' ? {} : { 'last-event-id': lastId }, signal);
      if (lastId !== '' && (response.status === 400 || response.status === 410)) {
        // The place that we remember is no longer one: the server was changed, or the log cut. What it has now is what we want.
        lastId = '';
        continue;
      }
      if (response.status === 400 || response.status === 401 || response.status === 403) {
        init.onState('refused', (await problemOf(response)).detail ?? 'The event feed was refused.');
        return;
      }
      if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`);
      init.onState('live', '');
      await pump(response.body, parser, (messages) => {
        retryMs = retryMsMin;
        if (parser.lastId !== '') lastId = parser.lastId;
        init.onMessages(messages);
      });
    } catch (error) {
      if (signal.aborted) return;
      init.onState('waiting', error instanceof Error ? error.message : String(error));
    }
    await sleep(retryMs, signal);
    retryMs = Math.min(retryMs * 2, retryMsMax);
  }
}

async function pump(body: ReadableStream<Uint8Array>, parser: SseParser, onMessages: (messages: SseMessage[]) => void): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onMessages(parser.push(decoder.decode(value, { stream: true })));
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
