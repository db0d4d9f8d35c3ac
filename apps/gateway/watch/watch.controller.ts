import { bearerOf } from '#domain/access';
import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Authenticator } from '../access/authenticator.ts';
import { sseFormat } from '../events/text-formats.ts';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { ProblemError } from '../http/problem.errors.ts';
import { pathOf } from '../http/problem.filter.ts';
import { HttpRows } from './http-rows.ts';
import { conditionsOfText } from './row-json.codec.ts';
import { RowWatches } from './row-watches.ts';
import { followRows, socketRows } from './watch.contract.ts';

@Controller()
export class WatchController {
  readonly #watches: RowWatches;
  readonly #authenticator: Authenticator;

  constructor(watches: RowWatches, authenticator: Authenticator) {
    this.#watches = watches;
    this.#authenticator = authenticator;
  }

  @Route(followRows)
  async follow(
    @Input(followRows) { params, query }: InputOf<typeof followRows>,
    @ByCaller() { principal }: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const last = request.headers['last-event-id'];
    const resumed = typeof last === 'string' && last !== '';
    // HEAD asks for the head alone; a stream would never end.
    if (request.method === 'HEAD') return void reply.type(sseFormat.contentType).send();
    const bearer = bearerOf(request.headers.authorization) ?? '';
    await this.#watches.serve({
      principal,
      table: params.table,
      conditions: (table) => conditionsOfText(table, query.where ?? []),
      token: resumed ? last : (query.from ?? ''),
      tokenField: resumed ? 'headers.last-event-id' : 'query.from',
      stillAllowed: () => this.#authenticator.stillHolds(bearer, principal),
      output: () => {
        reply.hijack();
        return new HttpRows(reply.raw, pathOf(request.url));
      },
    });
  }

  /** Upgrades never get here: this is for those who did not ask for one (RFC 9110 section 15.5.22). */
  @Route(socketRows)
  socket(): never {
    throw new ProblemError({ status: 426, code: 'upgrade-required', detail: 'Open this as a WebSocket.', headers: { upgrade: 'websocket' } });
  }
}
