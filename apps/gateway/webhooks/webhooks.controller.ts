import { webhookDelivery } from '#domain/operation';
import { base32Of } from '#domain/stream';
import { coversContext } from '#domain/access';
import type { Context } from '#events';
import { Clock, EffectStore } from '#ports';
import { Controller } from '@nestjs/common';
import { derivedId, randomId } from '../access/secrets.ts';
import { effectPage } from '../effects/effect-pages.ts';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { ProblemError } from '../http/problem.errors.ts';
import { WebhookDesk } from './webhook-desk.ts';
import { webhookView } from './webhook.view.ts';
import {
  changeWebhook,
  listDeliveries,
  listWebhooks,
  redeliver,
  registerWebhook,
  removeWebhook,
  rotateWebhookSecret,
  showWebhook,
  testWebhook,
} from './webhooks.contract.ts';

/** Nobody has delivered what they may not see; who may see some contexts alone gets those. */
function grantedContexts({ principal }: Caller, asked: readonly Context[] | null): readonly Context[] | null {
  const foreign = asked?.find((context) => !coversContext(principal, context));
  if (foreign !== undefined) throw new ProblemError({ status: 403, code: 'other-context', detail: `This key does not cover the context ${foreign}.` });
  return asked ?? principal.contexts ?? null;
}

@Controller()
export class WebhooksController {
  readonly #desk: WebhookDesk;
  readonly #effects: EffectStore;
  readonly #clock: Clock;

  constructor(desk: WebhookDesk, effects: EffectStore, clock: Clock) {
    this.#desk = desk;
    this.#effects = effects;
    this.#clock = clock;
  }

  @Route(registerWebhook)
  async register(@Input(registerWebhook) { body }: InputOf<typeof registerWebhook>, @ByCaller() caller: Caller): Promise<object> {
    const { idempotencyKey, principal } = caller;
    const id = `wh-${base32Of(idempotencyKey === undefined ? randomId() : derivedId('webhook', principal.id, idempotencyKey))}`;
    const { url, description, types = null, subject = null } = body;
    const settings = { url, description, types, subject, contexts: grantedContexts(caller, body.contexts ?? null) };
    const webhook = await this.#desk.register(id, settings, caller);
    return { ...webhookView(webhook, this.#clock.now()), secret: await this.#desk.secret(webhook) };
  }

  @Route(listWebhooks)
  async list(@ByCaller() { principal }: Caller): Promise<object> {
    return { items: (await this.#desk.list(principal)).map((webhook) => webhookView(webhook, this.#clock.now())) };
  }

  @Route(showWebhook)
  async show(@Input(showWebhook) { params }: InputOf<typeof showWebhook>, @ByCaller() { principal }: Caller): Promise<object> {
    return webhookView((await this.#desk.show(params.id, principal)).webhook, this.#clock.now());
  }

  @Route(changeWebhook)
  async change(@Input(changeWebhook) { params, body }: InputOf<typeof changeWebhook>, @ByCaller() caller: Caller): Promise<object> {
    const { enabled, reason, ...given } = body;
    const contexts = given.contexts === undefined ? {} : { contexts: grantedContexts(caller, given.contexts) };
    const change = Object.fromEntries(Object.entries({ ...given, ...contexts }).filter(([, value]) => value !== undefined));
    return webhookView(await this.#desk.change(params.id, { type: 'ChangeWebhook', change, enabled, reason }, caller), this.#clock.now());
  }

  @Route(rotateWebhookSecret)
  async rotate(@Input(rotateWebhookSecret) { params, body }: InputOf<typeof rotateWebhookSecret>, @ByCaller() caller: Caller): Promise<object> {
    const nowMs = this.#clock.now();
    const { overlapSeconds, reason } = body;
    const webhook = await this.#desk.tell(params.id, { type: 'RotateWebhookSecret', nowMs, overlapMs: overlapSeconds * 1000, reason }, caller);
    return { ...webhookView(webhook, nowMs), secret: await this.#desk.secret(webhook) };
  }

  @Route(removeWebhook)
  async remove(@Input(removeWebhook) { params, query }: InputOf<typeof removeWebhook>, @ByCaller() caller: Caller): Promise<void> {
    await this.#desk.remove(params.id, query.reason || `by ${caller.actor}`, caller);
  }

  @Route(testWebhook)
  async test(@Input(testWebhook) { params }: InputOf<typeof testWebhook>, @ByCaller() caller: Caller): Promise<object> {
    return { eventId: await this.#desk.test(params.id, caller) };
  }

  @Route(listDeliveries)
  async deliveries(@Input(listDeliveries) { params, query }: InputOf<typeof listDeliveries>, @ByCaller() { principal }: Caller): Promise<object> {
    const { tenant } = await this.#desk.show(params.id, principal);
    const states = query.state === undefined ? {} : { states: [query.state] };
    return effectPage(this.#effects, { kind: webhookDelivery, lane: params.id, tenant, ...states, limit: query.limit }, query.cursor);
  }

  @Route(redeliver)
  async redeliver(@Input(redeliver) { params, body }: InputOf<typeof redeliver>, @ByCaller() caller: Caller): Promise<object> {
    await this.#desk.redeliver(params.id, params.deliveryId, body.reason, caller);
    return { id: params.deliveryId };
  }
}
