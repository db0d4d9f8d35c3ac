import { EventLog } from '#ports';
import { Lifecycle } from '#runtime';
import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { badRequest } from '../http/problem.errors.ts';
import { LiveFeeds } from './live-feeds.ts';
import { lanes, type EventFilter } from './event-filter.core.ts';
import { openHistory } from './event-history.ts';
import { followEvents, listEvents } from './events.contract.ts';
import { formatToken, parseToken, type Positions, type TokenKind } from './position-token.codec.ts';

function positionsOf(kind: TokenKind, text: string, field: string): Positions {
  const positions = parseToken(kind, text, lanes.length);
  if (positions === undefined)
    throw badRequest('token-invalid', `${field}: This is not a token of ours, or a broken one.`, [
      { field, message: 'This is not a token of ours, or a broken one.' },
    ]);
  return positions;
}

function filterOf({
  context,
  type,
  subject,
  key,
}: {
  context?: EventFilter['context'];
  type?: readonly string[] | undefined;
  subject?: string | undefined;
  key?: string | undefined;
}): EventFilter {
  return { context, types: type, subject, key };
}

@Controller()
export class EventsController {
  readonly #log: EventLog;
  readonly #feeds: LiveFeeds;
  readonly #lifecycle: Lifecycle;

  constructor(log: EventLog, feeds: LiveFeeds, lifecycle: Lifecycle) {
    this.#log = log;
    this.#feeds = feeds;
    this.#lifecycle = lifecycle;
  }

  @Route(listEvents)
  async list(@Input(listEvents) { query }: InputOf<typeof listEvents>, @Res() reply: FastifyReply): Promise<void> {
    const { order, limit, since, until, cursor } = query;
    const positions = cursor === undefined ? undefined : positionsOf(order, cursor, 'query.cursor');
    const reader = await openHistory(this.#log, { filter: filterOf(query), order, positions, fromMs: since, untilMs: until });
    const page = await reader.take(limit);
    const nextCursor = page.more ? JSON.stringify(formatToken(order, page.positions)) : 'null';
    void reply.type('application/json; charset=utf-8').send(`{"items":[${page.events.map((event) => event.json).join(',')}],"nextCursor":${nextCursor}}`);
  }

  @Route(followEvents)
  async follow(
    @Input(followEvents) { query }: InputOf<typeof followEvents>,
    @ByCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const lastId = request.headers['last-event-id'];
    const token = typeof lastId === 'string' && lastId !== '' ? { text: lastId, field: 'headers.last-event-id' } : { text: query.from, field: 'query.from' };
    const named = token.field === 'query.from' && (token.text === 'now' || token.text === 'recent' || token.text === 'beginning');
    const from = named ? (token.text as 'now' | 'recent' | 'beginning') : positionsOf('live', token.text, token.field);
    // HEAD asks for the head alone; a stream would never end.
    if (request.method === 'HEAD') return void reply.type('text/event-stream; charset=utf-8').send();
    await this.#feeds.serve({ filter: filterOf(query), from, caller, request, reply, stopping: this.#lifecycle.stopping });
  }
}
