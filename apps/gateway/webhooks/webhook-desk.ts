import { isPublicAddress, literalAddressOf, secretText } from '#adapters/webhook';
import { seesTenant, type Principal } from '#domain/access';
import {
  effectRetryAggregate,
  webhookAggregate,
  webhookDelivery,
  webhookSecretName,
  webhookUrlFault,
  type KnownWebhook,
  type WebhookCommand,
  type WebhookState,
} from '#domain/operation';
import type { AggregateStore, Clock, EffectStore, SecretStore } from '#ports';
import type { CommandExecutor, CommandMeta } from '#runtime';
import { badRequest, conflict, notFound, type ProblemError } from '../http/problem.errors.ts';

export interface WebhookDeskDeps {
  readonly aggregates: AggregateStore;
  readonly effects: EffectStore;
  readonly secrets: SecretStore;
  readonly commands: CommandExecutor;
  readonly clock: Clock;
  /** Receivers may be on private networks, and on this machine. */
  readonly privateAddresses: boolean;
}

/** Enabled webhooks of one tenant: each event is looked at once for each of them. */
const enabledMax = 100;

interface OwnedWebhook {
  readonly tenant: string;
  readonly webhook: KnownWebhook;
}

/** Webhooks as their owners manage them: from heads, so that everybody sees what they did. */
export class WebhookDesk {
  readonly #deps: WebhookDeskDeps;

  constructor(deps: WebhookDeskDeps) {
    this.#deps = deps;
  }

  async list(principal: Principal): Promise<readonly KnownWebhook[]> {
    const heads = await this.#deps.aggregates.find(webhookAggregate.context, 'kind', 'webhook');
    return heads
      .filter(({ tenant, state }) => seesTenant(principal, tenant) && (state as KnownWebhook).webhook !== 'removed')
      .map(({ state }) => state as KnownWebhook)
      .toSorted((a, b) => b.registeredAtMs - a.registeredAtMs || (a.webhookId < b.webhookId ? -1 : 1));
  }

  /** @throws ProblemError 404 for one that is not there, or not for this caller. */
  async show(id: string, principal: Principal): Promise<OwnedWebhook> {
    const head = await this.#deps.aggregates.load(webhookAggregate.context, id);
    const state = head?.state as WebhookState | undefined;
    if (head === undefined || state === undefined || state.webhook === 'absent' || state.webhook === 'removed' || !seesTenant(principal, head.tenant)) {
      throw unknown(id);
    }
    return { tenant: head.tenant, webhook: state };
  }

  async register(
    id: string,
    command: Omit<Extract<WebhookCommand, { type: 'RegisterWebhook' }>, 'type' | 'webhookId' | 'nowMs'>,
    meta: CommandMeta,
  ): Promise<KnownWebhook> {
    this.#checkUrl(command.url);
    const known = (await this.#deps.aggregates.load(webhookAggregate.context, id))?.state as WebhookState | undefined;
    // The same request as before: whatever it asks for is there.
    if (known !== undefined && known.webhook !== 'absent' && known.webhook !== 'removed') return known;
    const enabled = (await this.#deps.aggregates.find(webhookAggregate.context, 'webhook', 'enabled')).filter(({ tenant }) => tenant === meta.tenant);
    if (enabled.length >= enabledMax) throw conflict('too-many-webhooks', `There are ${enabledMax} enabled webhooks: disable or remove one first.`);
    return this.tell(id, { ...command, type: 'RegisterWebhook', webhookId: id, nowMs: this.#deps.clock.now() }, meta);
  }

  change(id: string, command: Extract<WebhookCommand, { type: 'ChangeWebhook' }>, meta: CommandMeta): Promise<KnownWebhook> {
    if (command.change.url !== undefined) this.#checkUrl(command.change.url);
    return this.tell(id, command, meta);
  }

  async tell(id: string, command: WebhookCommand, meta: CommandMeta): Promise<KnownWebhook> {
    return (await this.#execute(id, command, meta)).webhook;
  }

  /** The id of the event that is delivered. */
  async test(id: string, meta: CommandMeta): Promise<string> {
    return (await this.#execute(id, { type: 'TestWebhook' }, meta)).eventId;
  }

  async remove(id: string, reason: string, meta: CommandMeta): Promise<void> {
    const { secretNumber } = await this.tell(id, { type: 'RemoveWebhook', reason }, meta);
    for (let number = 1; number <= secretNumber; number++) await this.#deps.secrets.forget(webhookSecretName(id, number));
  }

  /** The secret that signs now, as people pass it on. */
  async secret({ webhookId, secretNumber }: KnownWebhook): Promise<string> {
    return secretText(await this.#deps.secrets.secret(webhookSecretName(webhookId, secretNumber)));
  }

  async redeliver(id: string, key: string, reason: string, meta: CommandMeta & { readonly principal: Principal }): Promise<void> {
    await this.show(id, meta.principal);
    const effect = await this.#deps.effects.show(key);
    if (effect === undefined || effect.kind !== webhookDelivery || effect.lane !== id)
      throw notFound('unknown-delivery', `There is no delivery ${key} to ${id}.`);
    await this.#deps.commands.execute(effectRetryAggregate, key, { type: 'RequestEffectRetry', effectKey: key, reason }, { ...meta, tenant: effect.tenant });
  }

  async #execute(id: string, command: WebhookCommand, meta: CommandMeta): Promise<{ readonly webhook: KnownWebhook; readonly eventId: string }> {
    const result = await this.#deps.commands.execute(webhookAggregate, id, command, meta);
    if (!result.refused) return { webhook: result.state as KnownWebhook, eventId: result.events[0]?.id ?? '' };
    if (result.code === 'unknown-webhook') throw unknown(id);
    if (result.code === 'invalid-url') throw badUrl(result.message.replace(/^url: /, ''));
    throw conflict(result.code, result.message);
  }

  /** Early, for the person who types it; whoever posts looks again, at what a name leads to. */
  #checkUrl(text: string): void {
    const fault = webhookUrlFault(text);
    if (fault !== undefined) throw badUrl(fault);
    const address = literalAddressOf(new URL(text));
    if (address !== undefined && !this.#deps.privateAddresses && !isPublicAddress(address)) {
      throw badUrl('This address is not on the public internet; WEBHOOK_PRIVATE_ADDRESSES=true allows it.');
    }
  }
}

function badUrl(message: string): ProblemError {
  return badRequest('invalid-url', `body.url: ${message}`, [{ field: 'body.url', message }]);
}

function unknown(id: string): ProblemError {
  return notFound('unknown-webhook', `There is no webhook ${id}.`);
}
