import { StreamsError, streamsErrorOf } from '../errors.ts';
import type { OutgoingEvent } from '../event/index.ts';
import { pause, retryWaitMs } from '../pause.ts';
import type { PublishResult, Refused, Transport } from '../transport.ts';

export interface DeliverInit {
  /** How long an event is tried, ms. */
  readonly retryForMs: number;
  /** How long one attempt may take, ms. */
  readonly timeoutMs: number;
  /** When aborted, nothing more is tried. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Publishes events and tries those again whose refusal or failure passes, under the same ids and in the same order, until
 * each has its outcome. Never throws: a failure that did not pass is the result of every event that it met.
 */
export async function deliver(transport: Transport, events: readonly OutgoingEvent[], init: DeliverInit): Promise<readonly PublishResult[]> {
  const results = new Map<OutgoingEvent, PublishResult>();
  const until = performance.now() + init.retryForMs;
  let open = events;
  for (let failures = 0; open.length > 0;) {
    let retryAfterMs: number | undefined;
    try {
      const answers = await attempt(transport, open, init);
      // As nearly always: all of them at the first try.
      if (open === events && !answers.some(isToBeRetried)) return answers;
      open.forEach((event, at) => results.set(event, answers[at] as PublishResult));
      const left = open.filter((event) => isToBeRetried(results.get(event)));
      const isProgress = left.length < open.length;
      open = left;
      // Those that were held up by others can go on at once.
      if (isProgress) failures = 0;
      if (isProgress && init.signal?.aborted !== true) continue;
    } catch (thrown) {
      const error = streamsErrorOf(thrown);
      if (error.code === 'TOO_LARGE' && open.length > 1) {
        for (const [event, result] of await inHalves(transport, open, { ...init, retryForMs: until - performance.now() })) results.set(event, result);
        break;
      }
      for (const event of open) results.set(event, refusedBy(error, event.id));
      if (!error.retryable) break;
      retryAfterMs = error.retryAfterMs;
    }
    const waitMs = retryWaitMs(failures++, retryAfterMs);
    if (open.length === 0 || init.signal?.aborted === true || performance.now() + waitMs > until) break;
    await pause(waitMs, init.signal);
  }
  return events.map((event) => results.get(event) as PublishResult);
}

function isToBeRetried(result: PublishResult | undefined): boolean {
  return result?.accepted === false && result.retryable;
}

/** A try's time is bounded, so that a peer that says nothing is no different from one that is away. */
async function attempt(transport: Transport, events: readonly OutgoingEvent[], { timeoutMs, signal }: DeliverInit): Promise<readonly PublishResult[]> {
  const ended = new AbortController();
  let giveUp: (error: StreamsError) => void = () => undefined;
  const givenUp = new Promise<never>((_, reject) => (giveUp = reject));
  const end = (why: string): void => {
    giveUp(new StreamsError(why, { code: 'UNAVAILABLE', retryable: true }));
    ended.abort();
  };
  const onAbort = (): void => end('The connection was closed before an answer came.');
  const timer = setTimeout(() => end(`No answer within ${timeoutMs} ms.`), timeoutMs);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([transport.publish(events, ended.signal), givenUp]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

async function inHalves(
  transport: Transport,
  events: readonly OutgoingEvent[],
  init: DeliverInit,
): Promise<ReadonlyArray<readonly [OutgoingEvent, PublishResult]>> {
  const middle = events.length >> 1;
  const results: PublishResult[] = [];
  for (const half of [events.slice(0, middle), events.slice(middle)]) results.push(...(await deliver(transport, half, init)));
  return events.map((event, at) => [event, results[at] as PublishResult]);
}

export function refusedBy(error: StreamsError, id: string): Refused {
  const field = (error as { readonly field?: string }).field ?? error.fields[0]?.field ?? '';
  return { accepted: false, id, code: error.code, field, message: error.message, retryable: error.retryable };
}
