import { Controller, HttpCode, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ByCaller, type Caller } from '../http/caller.ts';
import { textOfBody } from '../http/json-body.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { ChangedHook } from './changed-hook.ts';
import type { SignedCall } from './signed-call.ts';
import { ZoneDesk } from './zone-desk.ts';
import { renewZoneHook } from './zones.contract.ts';

/** What origins call without a key: the signature is over the bytes as they came. */
export const changedPath = '/api/v1/zones/:id/changed';

function line(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

export function signedCallOf(request: FastifyRequest): SignedCall {
  const { headers } = request;
  return {
    ...{ id: line(headers['webhook-id']), timestamp: line(headers['webhook-timestamp']), signatures: line(headers['webhook-signature']) },
    body: Buffer.isBuffer(request.body) ? textOfBody(request.body) : '',
    correlationId: request.id,
  };
}

@Controller()
export class ChangedController {
  readonly #hook: ChangedHook;
  readonly #desk: ZoneDesk;

  constructor(hook: ChangedHook, desk: ZoneDesk) {
    this.#hook = hook;
    this.#desk = desk;
  }

  @Post(changedPath)
  @HttpCode(202)
  async changed(@Param('id') id: string, @Req() request: FastifyRequest): Promise<object> {
    return { purgeId: await this.#hook.take(id, signedCallOf(request)) };
  }

  @Route(renewZoneHook)
  async renew(@Input(renewZoneHook) { params }: InputOf<typeof renewZoneHook>, @ByCaller() caller: Caller): Promise<object> {
    const { zone } = await this.#desk.show(params.name, caller);
    return { path: changedPath.replace(':id', zone.zoneId), secret: await this.#hook.renew(zone.zoneId) };
  }
}
