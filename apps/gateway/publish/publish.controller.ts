import { homeTenantOf, mayPublish } from '#domain/access';
import { EventIntake, intakeLimits, type PublishingCaller } from '#runtime';
import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Admissions } from '../access/admissions.ts';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Route } from '../http/operation.ts';
import { ProblemError } from '../http/problem.errors.ts';
import { readEventBody } from './cloud-event-body.codec.ts';
import { publishEvents } from './publish.contract.ts';
import { acceptedText, forbiddenReasons, problemOfIntake, refusalOf } from './publish.view.ts';

/** The caller as the intake knows it. */
export function publishingCaller({ principal, actor, correlationId, traceparent }: Caller): PublishingCaller {
  return { tenant: homeTenantOf(principal), actor, correlationId, traceparent: traceparent ?? '', mayPublish: (context) => mayPublish(principal, context) };
}

@Controller()
export class PublishController {
  readonly #intake: EventIntake;
  readonly #admissions: Admissions;

  constructor(intake: EventIntake, admissions: Admissions) {
    this.#intake = intake;
    this.#admissions = admissions;
  }

  @Route(publishEvents)
  async publish(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @ByCaller() caller: Caller): Promise<void> {
    const { events, single } = readEventBody(request.headers, request.body);
    if (events.length > intakeLimits.eventsMax) {
      const detail = `A request has at most ${intakeLimits.eventsMax} events, not ${events.length}.`;
      throw new ProblemError({ status: 413, code: 'too-many-events', detail });
    }
    const outcomes = await this.#intake.publish(events, publishingCaller(caller), { together: true, transport: 'rest' }).catch((error: unknown) => {
      throw problemOfIntake(error);
    });
    const at = { operation: publishEvents.id, address: request.admitted?.address ?? request.ip };
    for (const reason of forbiddenReasons(outcomes)) this.#admissions.refusedLater(caller.principal, { ...at, reason });
    const refusal = refusalOf(outcomes, single);
    if (refusal !== undefined) throw refusal;
    void reply.type('application/json; charset=utf-8').send(acceptedText(outcomes));
  }
}
