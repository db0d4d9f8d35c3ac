import { isSource, switched, type ByteSource, type EdgeHandler, type EdgeReply, type EdgeRequest, type AnsweringZone } from '../server/exchange.ts';
import { headLogOf } from './head-log.ts';
import type { Periods } from './periods.ts';
import type { Picker } from './picker.core.ts';
import { lineOf, type RequestLine } from './request-line.ts';

export interface TrafficRecorderDeps {
  readonly periods: Periods;
  readonly picker: Picker;
  /** The zone of a request that was answered before anybody looked for one. */
  readonly zoneOf: (request: EdgeRequest) => AnsweringZone;
  /** Takes a line when its answer has ended. */
  readonly onLine: (line: RequestLine) => void;
  readonly now: () => number;
}

function bytesOf(request: EdgeRequest, { body }: EdgeReply): number {
  if (body === null || request.method === 'HEAD') return 0;
  return body instanceof Uint8Array ? body.length : (body as { readonly size: number }).size;
}

/**
 * Counts every answer, and looks closely at those that are picked. A hit costs some additions to numbers that are there
 * already: no object, no text, no look at the clock.
 *
 * Bytes are those handed to the server: a body that is in memory counts whole even if its client goes away in the middle,
 * which runtimes do not tell; of one that is streamed only what was taken counts.
 */
export class TrafficRecorder {
  readonly #deps: TrafficRecorderDeps;

  constructor(deps: TrafficRecorderDeps) {
    this.#deps = deps;
  }

  record(handler: EdgeHandler): EdgeHandler {
    return (request) => {
      const reply = handler(request);
      if (reply instanceof Promise) return this.#later(request, reply);
      const { body, head } = reply;
      if (head.log === null) return reply;
      if (body !== null && isSource(body)) return this.#later(request, Promise.resolve(reply));
      const log = headLogOf(head);
      const zone = request.zone ?? this.#deps.zoneOf(request);
      const bytes = bytesOf(request, reply);
      const counts = this.#deps.periods.of(zone).now;
      counts.answer(log.statusClass, log.outcome, 0);
      counts.bytes(bytes, log.outcome);
      if (this.#deps.picker.pick()) this.#end(Object.assign(this.#lineOf(request, zone), { status: head.status, log }), bytes, true, 0);
      return reply;
    };
  }

  #lineOf(request: EdgeRequest, zone: AnsweringZone): RequestLine {
    return lineOf(request, zone, this.#deps.now(), this.#deps.picker.weight);
  }

  #end(line: RequestLine, bytes: number, complete: boolean, durationMs: number): void {
    this.#deps.onLine(Object.assign(line, { bytes, complete, durationMs }));
  }

  /** An answer that has to be waited for. What is picked is looked at now: later the request may be gone. */
  async #later(request: EdgeRequest, waiting: Promise<EdgeReply>): Promise<EdgeReply> {
    const startedMs = performance.now();
    const zone = request.zone ?? this.#deps.zoneOf(request);
    const line = this.#deps.picker.pick() ? this.#lineOf(request, zone) : undefined;
    // Made by the server when it is first looked at: not when a thousand wait for the same moment.
    const { gone } = request;
    const reply = await waiting;
    const { body, head } = reply;
    if (head.log === null) return reply;
    const readyMs = performance.now() - startedMs;
    const log = headLogOf(head);
    if (line !== undefined) Object.assign(line, { status: head.status, log });
    this.#deps.periods.of(zone).now.answer(log.statusClass, log.outcome, readyMs);
    const count = (bytes: number): void => this.#deps.periods.of(zone).now.bytes(bytes, log.outcome);
    const end = (bytes: number, complete: boolean): void => {
      if (line !== undefined) this.#end(line, bytes, complete, performance.now() - startedMs);
    };
    if (reply === switched) {
      void request.tunnelled?.then((bytes) => (count(bytes), end(bytes, true)));
      return reply;
    }
    if (body !== null && isSource(body) && request.method !== 'HEAD') return { head, body: watched(body, count, end) };
    const bytes = gone.aborted ? 0 : bytesOf(request, reply);
    count(bytes);
    end(bytes, !gone.aborted);
    return reply;
  }
}

/** The same body, whose bytes are counted as they are taken. */
function watched(body: ByteSource, count: (bytes: number) => void, end: (bytes: number, complete: boolean) => void): ByteSource {
  let [sent, ended] = [0, false];
  const finish = (complete: boolean): void => {
    if (!ended) end(sent, complete);
    ended = true;
  };
  return {
    read: async () => {
      try {
        const bytes = await body.read();
        if (bytes === undefined) finish(true);
        else if (!ended) {
          sent += bytes.length;
          count(bytes.length);
        }
        return bytes;
      } catch (error) {
        finish(false);
        throw error;
      }
    },
    cancel: () => {
      finish(false);
      body.cancel();
    },
  };
}
