import { contexts } from '#events';
import type { EventLog, PartitionHead } from '#ports';
import { noTelemetry, type Telemetry } from '#runtime';
import { badRequest, ProblemError, unavailable } from '../http/problem.errors.ts';
import { lanes, lanesOf, type EventFilter, type Lane, type Positions } from './event-filter.core.ts';
import { checkPosition, openHistory } from './event-history.ts';
import { LiveReader } from './live-reader.ts';
import type { LiveEvent } from './log-entry.ts';
import { LogTail } from './log-tail.ts';
import { SinkObserver } from './subscription.telemetry.ts';
import type { ResumeTokens, TokenPositions, TokenRefusal } from './resume-token.codec.ts';
import { Turns } from './turns.ts';
import { Subscription, type SubscriptionEnd, type SubscriptionSink } from './subscription.ts';

export interface SubscriptionsInit {
  readonly readersMax: number;
  readonly heartbeatMs: number;
  readonly stallMs: number;
  /** How often it is asked whether a reader may go on, ms. */
  readonly checkMs: number;
}

/** Where a reader begins. */
export type Start = { readonly at: 'now' | 'recent' | 'beginning' } | { readonly timeMs: number } | { readonly positions: TokenPositions };

export interface SubscribeRequest {
  readonly filter: EventFilter;
  readonly start: Start;
  readonly stopping: AbortSignal;
  readonly stillAllowed: () => Promise<boolean>;
  /** Called when nothing stands in the way any more: from now on failures go to the sink. */
  readonly sink: (common: SinkContext) => SubscriptionSink;
}

/** What a sink needs to know of its subscription. */
export interface SinkContext {
  readonly filterName: string;
  readonly tokenOf: (event: LiveEvent) => string;
  readonly formatToken: (positions: Positions) => string;
}

/** Events that a start at `recent` begins with. */
const recentEvents = 50;
/** Bytes under way to all readers together, before their encoding … */
const bytesUnderWayMax = 16_777_216;
/** … and to one of them. */
const readerBytesMax = 196_608;
const readerBytesMin = 8_192;
/** Readers that read history at the same time: their records are objects, and weigh far more than their bytes. */
const historyReads = 8;
/** With so many readers, new events are written every so many ms. */
const paceReaders = 20;
const paceMsMax = 50;

/** Serves live readers of every protocol, all from one tail of the log. */
export class Subscriptions {
  readonly #log: EventLog;
  readonly #tokens: ResumeTokens;
  readonly #init: SubscriptionsInit;
  readonly #tail: LogTail;
  readonly #observer: SinkObserver;
  readonly #turns = new Turns(historyReads);
  #open = 0;

  constructor(log: EventLog, tokens: ResumeTokens, init: SubscriptionsInit, telemetry: Telemetry = noTelemetry()) {
    this.#log = log;
    this.#tokens = tokens;
    this.#init = init;
    this.#tail = new LogTail(log);
    this.#observer = new SinkObserver(telemetry);
  }

  /** Lets go of decrypted events that are kept for readers who are a little behind: they read the log instead. */
  forget(): void {
    this.#tail.forget();
  }

  /** Resolves when the reader is gone. Until a sink is asked for, failures are thrown. */
  async serve(request: SubscribeRequest): Promise<SubscriptionEnd> {
    if (this.#open >= this.#init.readersMax) throw unavailable('This server has all the live readers that it can serve.');
    this.#open++;
    try {
      const stopListening = await this.#tail.listen();
      try {
        return await this.#run(request);
      } finally {
        stopListening();
      }
    } finally {
      this.#open--;
    }
  }

  async #run({ filter, start, stopping, stillAllowed, sink }: SubscribeRequest): Promise<SubscriptionEnd> {
    const { heartbeatMs, stallMs, checkMs } = this.#init;
    const reader = new LiveReader({ log: this.#log, tail: this.#tail }, filter, await this.#begin(filter, start));
    const formatToken = (positions: Positions): string => this.#tokens.format('live', filter, positions);
    const observed = this.#observer.observe(
      sink({ filterName: this.#tokens.filterName(filter), tokenOf: ({ positions }) => formatToken(positions), formatToken }),
    );
    const subscription = new Subscription({
      sink: observed.sink,
      reader,
      turns: this.#turns,
      formatToken,
      stopping,
      watchLog: (wake) => this.#tail.watch(wake),
      heartbeatMs,
      stallMs,
      checkMs,
      // An engine that is away says nothing about who may read.
      stillAllowed: () => stillAllowed().catch(() => true),
      paceMs: () => Math.min(paceMsMax, Math.floor(this.#open / paceReaders)),
      bytesMax: () => Math.min(readerBytesMax, Math.max(readerBytesMin, bytesUnderWayMax / this.#open)),
    });
    return observed.until(subscription.run());
  }

  /** @throws ProblemError 410 with the earliest token when the start was truncated, 400 when it lies beyond the end. */
  async #begin(filter: EventFilter, start: Start): Promise<Positions> {
    // A reader's topics alone: with a thousand readers that come back at once, heads are most of what is read.
    const topics = filter.contexts ?? contexts;
    const heads = new Map(await Promise.all(topics.map(async (topic) => [topic, await this.#log.heads(topic)] as const)));
    const headOf = (lane: Lane): PartitionHead => heads.get(lane.topic)?.[lane.partition] ?? { partition: lane.partition, low: 0n, high: 0n };
    const lows = lanes.map((lane) => headOf(lane).low);
    const highs = lanes.map((lane) => headOf(lane).high);
    if ('timeMs' in start) return this.#since(filter, start.timeMs, highs);
    if ('at' in start && start.at === 'now') return highs;
    if ('at' in start && start.at === 'beginning') return lows;
    const given = 'positions' in start ? start.positions : await this.#recent(filter, highs);
    for (const lane of lanesOf(filter)) {
      try {
        checkPosition(given[lane] ?? (lows[lane] as bigint), headOf(lanes[lane] as Lane), 'oldest');
      } catch (error) {
        throw withEarliest(error, this.#tokens.format('live', filter, lows));
      }
    }
    return lanes.map((_, lane) => given[lane] ?? (lows[lane] as bigint));
  }

  async #recent(filter: EventFilter, highs: Positions): Promise<Positions> {
    return (await (await openHistory(this.#log, { filter, order: 'newest', positions: highs })).take(recentEvents)).positions;
  }

  async #since(filter: EventFilter, timeMs: number, highs: Positions): Promise<Positions> {
    const positions = [...highs];
    for (const lane of lanesOf(filter)) {
      const { topic, partition } = lanes[lane] as Lane;
      positions[lane] = await this.#log.offsetAt(topic, partition, timeMs);
    }
    return positions;
  }
}

/** The token that begins with what is still there goes along, so that a reader can decide to go on from it. */
function withEarliest(error: unknown, earliestToken: string): unknown {
  if (!(error instanceof ProblemError) || error.init.status !== 410) return error;
  return new ProblemError({ ...error.init, extensions: { earliestToken } });
}

/** The positions of a token, for a request that names the field it came in. @throws ProblemError 400 */
export function positionsOfToken(tokens: ResumeTokens, kind: 'live' | 'oldest' | 'newest', filter: EventFilter, text: string, field: string): TokenPositions {
  const parsed = tokens.parse(kind, filter, text);
  if ('positions' in parsed) return parsed.positions;
  throw tokenRefused(parsed.refused, field);
}

export function tokenRefused(refused: TokenRefusal, field: string): ProblemError {
  const message = refusals[refused];
  return badRequest(tokenCodes[refused], `${field}: ${message}`, [{ field, message }]);
}

const refusals: Readonly<Record<TokenRefusal, string>> = {
  broken: 'This is not a token of ours, or a broken one.',
  outdated: 'This token is of an older version. Begin anew.',
  'other-log':
    'This token is of another event log, for it was given by another installation, or before the log was moved: places of that log are other events in this one. Begin anew, by a time if you know how far you were.',
  'other-filter': 'This token was given for another filter. Use it with the same filter, or begin anew.',
};

const tokenCodes: Readonly<Record<TokenRefusal, string>> = {
  broken: 'token-invalid',
  outdated: 'token-invalid',
  'other-log': 'token-of-another-log',
  'other-filter': 'token-of-other-filter',
};
