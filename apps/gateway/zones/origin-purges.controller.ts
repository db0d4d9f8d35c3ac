import { Controller, HttpCode, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { signedCallOf } from './changed.controller.ts';
import { OriginPurges } from './origin-purges.ts';

/** What edges alone call: the signature is over the bytes as they came. */
export const originPurgesPath = '/edge/zones/:id/purges';

@Controller()
export class OriginPurgesController {
  readonly #purges: OriginPurges;

  constructor(purges: OriginPurges) {
    this.#purges = purges;
  }

  @Post(originPurgesPath)
  @HttpCode(202)
  async purge(@Param('id') id: string, @Req() request: FastifyRequest): Promise<object> {
    return { purgeId: await this.#purges.take(id, signedCallOf(request)) };
  }
}
