import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Route } from '../http/operation.ts';
import { listPrefetchModels } from './prefetch-models.contract.ts';
import { PrefetchModels } from './prefetch-models.ts';

@Controller()
export class PrefetchModelsController {
  readonly #models: PrefetchModels;

  constructor(models: PrefetchModels) {
    this.#models = models;
  }

  @Route(listPrefetchModels)
  list(@ByCaller() { principal }: Caller): Promise<object> {
    return this.#models.list(principal);
  }

  /** For edges. */
  @Get('/edge/prefetch-models/:cid')
  async model(@Param('cid') cid: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const bytes = await this.#models.bytes(cid, request.headers);
    void reply.headers({ 'cache-control': 'no-store' }).type('application/octet-stream').send(Buffer.from(bytes));
  }
}
