import { contexts } from '#events';
import type { EventLog, PartitionHead } from '#ports';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bearerOf } from '#domain/access';
import type { Authenticator } from '../access/authenticator.ts';
import type { Caller } from '../http/caller.ts';
import { unavailable } from '../http/problem.errors.ts';
import { lanes, type EventFilter, type Lane } from './event-filter.core.ts';
import { checkPosition, openHistory } from './event-history.ts';
import { LiveFeed } from './live-feed.ts';
import { LiveReader } from './live-reader.ts';
import { LogTail } from './log-tail.ts';
import type { Positions } from './position-token.codec.ts';

export interface LiveFeedsInit {
  readonly feedsMax: number;
  readonly heartbeatMs: number;
  readonly stallMs: number;
  /** How often a reader's credential is checked again, ms. */
  readonly recheckMs: number;
}

export interface FeedRequest {
  readonly filter: EventFilter;
  readonly from: 'now' | 'recent' | 'beginning' | Positions;
  readonly caller: Caller;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly stopping: AbortSignal;
}

/** Events that `from=recent` begins with. */
const recentEvents = 50;

/** Serves live readers, all from one tail of the log. */
export class LiveFeeds {
  readonly #log: EventLog;
  readonly #authenticator: Authenticator;
  readonly #init: LiveFeedsInit;
  readonly #tail: LogTail;
  #open = 0;

  constructor(log: EventLog, authenticator: Authenticator, init: LiveFeedsInit) {
    this.#log = log;
    this.#authenticator = authenticator;
    this.#init = init;
    this.#tail = new LogTail(log);
  }

  /** Resolves when the reader is gone. Until the first byte is written, failures are thrown. */
  async serve(feed: FeedRequest): Promise<void> {
    if (this.#open >= this.#init.feedsMax) throw unavailable('This server has all the live readers that it can serve.');
    this.#open++;
    try {
      const stopListening = await this.#tail.listen();
      try {
        await this.#run(feed);
      } finally {
        stopListening();
      }
    } finally {
      this.#open--;
    }
  }

  async #run({ filter, from, caller, request, reply, stopping }: FeedRequest): Promise<void> {
    const reader = new LiveReader(this.#log, this.#tail, filter, await this.#begin(filter, from));
    const token = bearerOf(request.headers.authorization) ?? '';
    const { heartbeatMs, stallMs, recheckMs } = this.#init;
    const stillAllowed = (): Promise<boolean> => this.#authenticator.stillHolds(token, caller.principal);
    reply.hijack();
    const end = await new LiveFeed({ response: reply.raw, reader, tail: this.#tail, stopping, heartbeatMs, stallMs, recheckMs, stillAllowed }).run();
    request.log.debug({ end }, 'a live reader left');
  }

  async #begin(filter: EventFilter, from: FeedRequest['from']): Promise<Positions> {
    const heads = new Map(await Promise.all(contexts.map(async (topic) => [topic, await this.#log.heads(topic)] as const)));
    const headOf = (lane: Lane): PartitionHead => heads.get(lane.topic)?.[lane.partition] ?? { partition: lane.partition, low: 0n, high: 0n };
    if (from === 'now') return lanes.map((lane) => headOf(lane).high);
    if (from === 'beginning') return lanes.map((lane) => headOf(lane).low);
    const positions =
      from === 'recent'
        ? (await (await openHistory(this.#log, { filter, order: 'newest', positions: lanes.map((lane) => headOf(lane).high) })).take(recentEvents)).positions
        : from;
    lanes.forEach((lane, at) => checkPosition(positions[at] as bigint, headOf(lane), 'oldest'));
    return positions;
  }
}
