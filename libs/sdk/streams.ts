import { EventRefusedError, StreamsError } from './errors.ts';
import {
  outgoingEvent,
  type AnyEventInput,
  type DataOf,
  type EventOptions,
  type EventType,
  type OpenType,
  type OutgoingEvent,
  type Received,
} from './event/index.ts';
import { deliver, Publisher, refusedBy, type DeliverInit, type PublisherInit } from './publish/index.ts';
import { subscription, type SubscribeInit } from './subscribe/index.ts';
import type { Accepted, PublishResult, Transport } from './transport.ts';

export interface StreamsInit {
  readonly transport: Transport;
  /** The `source` of events that do not say their own. */
  readonly source: string;
  /** How long one call tries, ms. */
  readonly retryForMs: number;
  /** How long one attempt may take, ms. */
  readonly timeoutMs: number;
}

/** A connection to Streams. */
export class Streams {
  readonly #init: StreamsInit;
  readonly #publishers = new Set<Publisher>();
  readonly #closing = new AbortController();

  constructor(init: StreamsInit) {
    this.#init = init;
  }

  /**
   * Publishes one event; resolves when it is durably on the log.
   * @throws EventRefusedError naming the field at fault.
   * @throws StreamsError when it could not be published; `retryable` says whether the same may work later.
   */
  async publish<Type extends OpenType>(type: Type, data: DataOf<Type>, options: EventOptions = {}): Promise<Accepted> {
    const event = this.#compose(type, data, options);
    const [result] = await this.#deliver([event]);
    if (result === undefined || !result.accepted) throw errorOf(result, event.id);
    return result;
  }

  /** Publishes events together; one result per event, in their order. A refusal is a value, and the others are not held up by it. */
  async publishAll(events: readonly AnyEventInput[]): Promise<readonly PublishResult[]> {
    const composed = events.map((event) => this.#composed(event));
    const sent = composed.filter((one): one is OutgoingEvent => !('accepted' in one));
    const results = await this.#inCalls(sent);
    let next = 0;
    return composed.map((one) => ('accepted' in one ? one : (results[next++] as PublishResult)));
  }

  /** For many events: batches, back-pressure, order by key. Close it, or let `await using` do so. */
  publisher(init: PublisherInit = {}): Publisher {
    this.#checkOpen();
    const { transport } = this.#init;
    const publisher = new Publisher(init, { transport, compose: (type, data, options) => this.#compose(type, data, options) });
    this.#publishers.add(publisher);
    return publisher;
  }

  /** Follows the log for ever; see {@link SubscribeInit}. */
  subscribe<Type extends EventType = EventType>(init: SubscribeInit<Type> = {}): AsyncGenerator<Received<Type>, void, undefined> {
    this.#checkOpen();
    const { signal: closing } = this.#closing;
    const signal = init.signal === undefined ? closing : AbortSignal.any([init.signal, closing]);
    return subscription(this.#init.transport, { ...init, signal });
  }

  /** Flushes every publisher, ends every subscription, and the connection. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#publishers].map((publisher) => publisher.close()));
    await this.#init.transport.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new StreamsError('The connection is closed.', { code: 'CLOSED', retryable: false });
  }

  #compose(type: string, data: unknown, options: EventOptions): OutgoingEvent {
    this.#checkOpen();
    return outgoingEvent(type, data, options, this.#init.source);
  }

  #composed({ type, data, ...options }: EventOptions & { readonly type: string; readonly data: unknown }): OutgoingEvent | PublishResult {
    try {
      return this.#compose(type, data, options);
    } catch (error) {
      if (!(error instanceof EventRefusedError)) throw error;
      return refusedBy(error, error.eventId);
    }
  }

  /** In calls of the size that the transport takes, one after the other, so that the order holds. */
  async #inCalls(events: readonly OutgoingEvent[]): Promise<readonly PublishResult[]> {
    const most = this.#init.transport.batchMax;
    const results: PublishResult[] = [];
    for (let from = 0, to = 0; from < events.length; from = to) {
      for (let bytes = 0; to < events.length && to - from < most.events; to++) {
        bytes += events[to]?.bytes ?? 0;
        if (bytes > most.bytes && to > from) break;
      }
      results.push(...(await this.#deliver(events.slice(from, to))));
    }
    return results;
  }

  #deliver(events: readonly OutgoingEvent[]): Promise<readonly PublishResult[]> {
    const { transport, retryForMs, timeoutMs } = this.#init;
    const init: DeliverInit = { retryForMs, timeoutMs, signal: this.#closing.signal };
    return deliver(transport, events, init);
  }
}

function errorOf(result: PublishResult | undefined, eventId: string): StreamsError {
  if (result === undefined || result.accepted) return new StreamsError('Streams did not answer for this event.', { code: 'PROTOCOL', retryable: true });
  const { code, field, message, retryable } = result;
  if (code.startsWith('EVENT_')) return new EventRefusedError(message, { code, field, eventId });
  return new StreamsError(message, { code, retryable, fields: field === '' ? [] : [{ field, message }] });
}
