import { bearerOf } from '#domain/access';
import { EventLog } from '#ports';
import { Lifecycle } from '#runtime';
import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Authenticator } from '../access/authenticator.ts';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { ProblemError } from '../http/problem.errors.ts';
import { pathOf } from '../http/problem.filter.ts';
import { openHistory } from './event-history.ts';
import { filterOf, startOf } from './event-query.ts';
import { followEvents, listEvents, socketEvents, streamEvents } from './events.contract.ts';
import { HttpSink, type TextFormat } from './http-sink.ts';
import { ResumeTokens } from './resume-token.codec.ts';
import { positionsOfToken, Subscriptions } from './subscriptions.ts';
import { jsonFormat, sseFormat } from './text-formats.ts';

interface LiveRequest {
  readonly query: InputOf<typeof followEvents>['query'];
  readonly caller: Caller;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

@Controller()
export class EventsController {
  readonly #log: EventLog;
  readonly #subscriptions: Subscriptions;
  readonly #tokens: ResumeTokens;
  readonly #authenticator: Authenticator;
  readonly #lifecycle: Lifecycle;

  constructor(log: EventLog, subscriptions: Subscriptions, tokens: ResumeTokens, authenticator: Authenticator, lifecycle: Lifecycle) {
    this.#log = log;
    this.#subscriptions = subscriptions;
    this.#tokens = tokens;
    this.#authenticator = authenticator;
    this.#lifecycle = lifecycle;
  }

  @Route(listEvents)
  async list(@Input(listEvents) { query }: InputOf<typeof listEvents>, @ByCaller() caller: Caller, @Res() reply: FastifyReply): Promise<void> {
    const { order, limit, since, until, cursor } = query;
    const filter = filterOf(query, caller.principal);
    const positions = cursor === undefined ? undefined : positionsOfToken(this.#tokens, order, filter, cursor, 'query.cursor');
    const reader = await openHistory(this.#log, { filter, order, positions, fromMs: since, untilMs: until });
    const page = await reader.take(limit);
    const nextCursor = page.more ? JSON.stringify(this.#tokens.format(order, filter, page.positions)) : 'null';
    void reply.type('application/json; charset=utf-8').send(`{"items":[${page.events.map((event) => event.json).join(',')}],"nextCursor":${nextCursor}}`);
  }

  @Route(followEvents)
  async follow(
    @Input(followEvents) { query }: InputOf<typeof followEvents>,
    @ByCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.#serve({ query, caller, request, reply }, sseFormat);
  }

  @Route(streamEvents)
  async stream(
    @Input(streamEvents) { query }: InputOf<typeof streamEvents>,
    @ByCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.#serve({ query, caller, request, reply }, jsonFormat);
  }

  /** Upgrades never get here: this is for those who did not ask for one (RFC 9110 section 15.5.22). */
  @Route(socketEvents)
  socket(): never {
    throw new ProblemError({ status: 426, code: 'upgrade-required', detail: 'Open this as a WebSocket.', headers: { upgrade: 'websocket' } });
  }

  async #serve({ query, caller, request, reply }: LiveRequest, format: TextFormat): Promise<void> {
    const filter = filterOf(query, caller.principal);
    const lastId = format === sseFormat ? request.headers['last-event-id'] : undefined;
    const start = startOf(this.#tokens, filter, query, lastId);
    // HEAD asks for the head alone; a stream would never end.
    if (request.method === 'HEAD') return void reply.type(format.contentType).send();
    const token = bearerOf(request.headers.authorization) ?? '';
    const end = await this.#subscriptions.serve({
      filter,
      start,
      stopping: this.#lifecycle.stopping,
      stillAllowed: () => this.#authenticator.stillHolds(token, caller.principal),
      sink: (context) => {
        reply.hijack();
        return new HttpSink({ ...context, response: reply.raw, format, path: pathOf(request.url) });
      },
    });
    request.log.debug({ end }, 'a live reader left');
  }
}
