import { streamsErrorOf } from '../errors.ts';
import { EventUnreadableError, receivedEvent, type CloudEventJson, type EventType, type Place, type Received } from '../event/index.ts';
import { pause, retryWaitMs } from '../pause.ts';
import type { Delivery, EventFilter, Start, Transport } from '../transport.ts';
import { TokenSaver, type ResumeStore } from './resume-store.ts';

export interface SubscribeInit<Type extends EventType = EventType> extends Omit<EventFilter, 'types'> {
  /** Any one of these; every type that this SDK knows when it is left out. */
  readonly types?: readonly Type[];
  /** Where to begin when the store has no token: `now`, `recent` (the last fifty events first), `beginning`, a time, or a token. */
  readonly from?: 'now' | 'recent' | 'beginning' | Date | { readonly token: string };
  /** Where the place is kept. After a crash, what was not yet saved comes again. */
  readonly resume?: ResumeStore;
  /** How often the place is saved at most, ms; 1,000. 0: behind every event. */
  readonly saveEveryMs?: number;
  /** Ends the loop, without an error. */
  readonly signal?: AbortSignal;
  /** Takes an event that the catalogue of this SDK cannot read, and the loop goes on. Without it, the loop ends with the error. */
  readonly onUnreadable?: (error: EventUnreadableError) => void;
  /** Told when the connection broke and will be taken up again. */
  readonly onBreak?: (error: Error, waitMs: number) => void;
}

/**
 * Follows the log for ever: taken up again behind the last event after every break. Each event comes once as long as the
 * loop lives, and at least once over crashes. An event counts as dealt with when the loop asks for the next one.
 */
export async function* subscription<Type extends EventType>(transport: Transport, init: SubscribeInit<Type>): AsyncGenerator<Received<Type>, void, undefined> {
  const outer = init.signal ?? new AbortController().signal;
  const saver = new TokenSaver(init.resume, init.saveEveryMs ?? 1_000);
  const seen = new SeenPlaces();
  const { contexts, types, subject, subjectPrefix, key, tenant } = init;
  const filter = { contexts, types, subject, subjectPrefix, key, tenant };
  let start = startOf(await init.resume?.load(), init.from ?? 'now');
  try {
    for (let failures = 0; !outer.aborted; failures++) {
      const ended = new AbortController();
      const end = (): void => ended.abort();
      outer.addEventListener('abort', end, { once: true });
      let retryAfterMs: number | undefined;
      let broken: Error | undefined;
      try {
        for await (const delivery of transport.subscribe(filter, start, ended.signal)) {
          failures = 0;
          const isDone = yield* eventsOf<Type>(delivery, start, { seen, outer, onUnreadable: init.onUnreadable });
          if (!isDone) return;
          start = { token: delivery.token };
          await saver.note(delivery.token);
        }
      } catch (thrown) {
        if (outer.aborted) return;
        if (thrown instanceof EventUnreadableError) throw thrown;
        const error = streamsErrorOf(thrown);
        if (!error.retryable) throw error;
        ({ retryAfterMs } = error);
        broken = error;
      } finally {
        outer.removeEventListener('abort', end);
        ended.abort();
      }
      const waitMs = retryWaitMs(failures, retryAfterMs);
      init.onBreak?.(broken ?? new Error('The connection ended.'), waitMs);
      await pause(waitMs, outer);
    }
  } finally {
    await saver.flush();
  }
}

function startOf(token: string | undefined, from: NonNullable<SubscribeInit['from']>): Start {
  if (token !== undefined) return { token };
  if (typeof from === 'string') return { at: from };
  return from instanceof Date ? { time: from.getTime() } : from;
}

interface Reading {
  readonly seen: SeenPlaces;
  readonly outer: AbortSignal;
  readonly onUnreadable: ((error: EventUnreadableError) => void) | undefined;
}

/** The events of a delivery that are new; false when the loop was aborted before the last. Until then, going on means from the place before them all. */
function* eventsOf<Type extends EventType>(
  { events, token }: Delivery,
  start: Start,
  { seen, outer, onUnreadable }: Reading,
): Generator<Received<Type>, boolean> {
  const before = 'token' in start ? start.token : token;
  for (let at = 0; at < events.length; at++) {
    if (outer.aborted) return false;
    const raw = events[at] as CloudEventJson;
    const event = read(raw, at === events.length - 1 ? token : before, onUnreadable);
    if (event !== undefined && seen.isNew(event)) yield event as Received<Type>;
  }
  return true;
}

function read(raw: CloudEventJson, token: string, onUnreadable: Reading['onUnreadable']): Received | undefined {
  try {
    return receivedEvent(raw, token);
  } catch (error) {
    if (!(error instanceof EventUnreadableError) || onUnreadable === undefined) throw error;
    onUnreadable(error);
    return undefined;
  }
}

/** Offsets grow within a partition: what is not beyond the last one came before. */
export class SeenPlaces {
  readonly #last = new Map<string, bigint>();

  isNew({ topic, partition, offset }: Pick<Place, 'topic' | 'partition' | 'offset'>): boolean {
    const name = `${topic}/${partition}`;
    const last = this.#last.get(name);
    if (last !== undefined && offset <= last) return false;
    this.#last.set(name, offset);
    return true;
  }
}
