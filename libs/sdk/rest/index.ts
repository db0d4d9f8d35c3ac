import { StreamsError } from '../errors.ts';
import type { OutgoingEvent } from '../event/index.ts';
import type { Delivery, EventFilter, PublishResult, Start, Transport } from '../transport.ts';
import { cloudEventText } from './cloud-event-text.ts';
import { liveEvents, liveQuery } from './live-events.ts';
import { errorOfResponse } from './problem.ts';
import { resultsOf } from './publish-answer.ts';

export interface RestInit {
  /** Of the gateway, or of an edge. */
  readonly url: string;
  /** An API key or a JWT. */
  readonly key: string;
  /** In place of the global `fetch`. */
  readonly fetch?: typeof fetch;
}

const batchMax = { events: 1_000, bytes: 3_500_000 };

/** REST in, server-sent events out: needs nothing but `fetch`, so that it works in Node, Bun and browsers. */
class RestTransport implements Transport {
  readonly name = 'rest';
  readonly batchMax = batchMax;
  readonly #url: string;
  readonly #authorization: string;
  readonly #fetch: typeof fetch;

  constructor({ url, key, fetch: given = fetch }: RestInit) {
    this.#url = `${url.replace(/\/+$/, '')}/api/v1/events`;
    this.#authorization = `Bearer ${key}`;
    // Browsers refuse to run it as a method of something else.
    this.#fetch = (input, init) => given(input, init);
  }

  async publish(events: readonly OutgoingEvent[], signal: AbortSignal): Promise<readonly PublishResult[]> {
    const response = await this.#fetch(this.#url, {
      method: 'POST',
      headers: { authorization: this.#authorization, 'content-type': 'application/cloudevents-batch+json; charset=utf-8' },
      body: `[${events.map(cloudEventText).join(',')}]`,
      signal,
    });
    return resultsOf(response, events);
  }

  async *subscribe(filter: EventFilter, start: Start, signal: AbortSignal): AsyncGenerator<Delivery> {
    const response = await this.#fetch(`${this.#url}/live?${liveQuery(filter, start)}`, {
      headers: { authorization: this.#authorization, accept: 'text/event-stream' },
      signal,
    });
    if (!response.ok) throw await errorOfResponse(response);
    if (response.body === null) throw new StreamsError('The answer has no body.', { code: 'PROTOCOL', retryable: true });
    yield* liveEvents(response.body);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export function rest(init: RestInit): Transport {
  return new RestTransport(init);
}
