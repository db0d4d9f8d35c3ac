import { signatureHeaders, type SendOutcome, type WebhookSender } from '#adapters/webhook';
import { webhookAggregate, webhookDelivery, webhookSecretName, type KnownWebhook, type WebhookState } from '#domain/operation';
import { cloudEventJson, type StoredRecord } from '#events';
import { hasCode } from '#kernel';
import type { AggregateStore, Clock, Effect, EffectStore, EventLog, SecretStore } from '#ports';
import type { CatalogueDraft, CommandExecutor, EffectResult, EffectWorker, Logger } from '#runtime';
import type { WebhookSendSettings } from './effects.config.ts';

export interface WebhookWorkerDeps {
  readonly log: EventLog;
  readonly aggregates: AggregateStore;
  readonly effects: EffectStore;
  readonly secrets: SecretStore;
  readonly commands: CommandExecutor;
  readonly sender: WebhookSender;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** From the first retry to the last the pauses grow by about this, so that eight tries are spread over a day. */
const growth = 4.2;
const longestPauseMs = 43_200_000;

/** Delivers events to webhooks: one POST per try, signed anew, always under the key of the effect. */
export class WebhookWorker implements EffectWorker {
  readonly kind = webhookDelivery;
  readonly concurrency: number;
  readonly triesMax: number;
  readonly #settings: WebhookSendSettings;
  readonly #deps: WebhookWorkerDeps;

  constructor(settings: WebhookSendSettings, deps: WebhookWorkerDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.concurrency = settings.concurrency;
    this.triesMax = settings.triesMax;
  }

  backOffMs(tries: number): number {
    const full = Math.min(longestPauseMs, this.#settings.firstRetryMs * growth ** (tries - 1));
    return full * (0.8 + Math.random() * 0.4);
  }

  async perform(effect: Effect, signal: AbortSignal): Promise<EffectResult> {
    const webhook = await this.#webhook(effect);
    if (webhook === undefined) return { outcome: 'failed', message: 'The webhook is no more.' };
    if (webhook.webhook !== 'enabled') return { outcome: 'failed', message: 'The webhook is disabled.' };
    const secrets = await this.#secrets(webhook);
    if (secrets.length === 0) return this.#withoutSecret(webhook, effect);
    const record = await this.#record(effect);
    if (record === undefined) return { outcome: 'failed', message: 'The event is no longer on the log.' };
    const body = cloudEventJson(effect.topic, record);
    const signed = { id: effect.key, timestamp: Math.floor(this.#deps.clock.now() / 1000), body };
    const headers = { 'content-type': 'application/cloudevents+json; charset=utf-8', 'user-agent': 'Streams-Webhooks/1' };
    const outcome = await this.#deps.sender.post(webhook.url, { ...headers, ...signatureHeaders(signed, secrets) }, body, signal);
    return this.#judge(outcome, webhook, effect);
  }

  /** Nothing arrived for as long as this one was tried: then nothing will, until somebody looks. */
  async abandoned({ lane, createdAtMs, round }: Effect, message: string): Promise<readonly CatalogueDraft[]> {
    if (round === 0 && !(await this.#deps.effects.succeededSince(webhookDelivery, lane, createdAtMs))) await this.#disable(lane, 'failing', message);
    return [];
  }

  async #judge({ status, detail, retryAfterMs, forbidden }: SendOutcome, { webhookId }: KnownWebhook, effect: Effect): Promise<EffectResult> {
    if (status === undefined) return { outcome: forbidden ? 'failed' : 'again', message: detail };
    const said = { status, detail };
    if (status >= 200 && status < 300) return { outcome: 'succeeded', ...said };
    if (status === 410) {
      await this.#disable(webhookId, 'gone', 'HTTP 410');
      return { outcome: 'failed', message: 'HTTP 410: the receiver is gone.', ...said };
    }
    const asked = retryAfterMs === undefined ? {} : { afterMs: retryAfterMs };
    this.#deps.logger.debug({ webhook: webhookId, effect: effect.key, status }, 'a webhook was not taken');
    return { outcome: 'again', message: `HTTP ${status}`, ...asked, ...said };
  }

  async #webhook({ payload, tenant }: Effect): Promise<KnownWebhook | undefined> {
    const head = await this.#deps.aggregates.load(webhookAggregate.context, String(payload['webhookId']));
    const state = head?.state as WebhookState | undefined;
    return state === undefined || head?.tenant !== tenant || state.webhook === 'absent' || state.webhook === 'removed' ? undefined : state;
  }

  async #record({ topic, partition, offset }: Effect): Promise<StoredRecord | undefined> {
    try {
      const { records } = await this.#deps.log.read(topic, partition, offset, { recordsMax: 1, bytesMax: 1, waitMs: 0 });
      return records.find((record) => record.offset === offset);
    } catch (error) {
      if (hasCode(error, 'OFFSET_OUT_OF_RANGE')) return undefined;
      throw error;
    }
  }

  async #secrets({ webhookId, secretNumber, previousUntilMs }: KnownWebhook): Promise<readonly Uint8Array[]> {
    const numbers = secretNumber > 1 && this.#deps.clock.now() < previousUntilMs ? [secretNumber, secretNumber - 1] : [secretNumber];
    const known = await Promise.all(numbers.map((number) => this.#deps.secrets.known(webhookSecretName(webhookId, number))));
    // The newest signs; without it nobody can tell what the receiver trusts.
    return known[0] === undefined ? [] : known.filter((secret) => secret !== undefined);
  }

  /** A new webhook, or a new secret, comes before its secret by a moment. Later it is lost, as in a database that was made anew. */
  async #withoutSecret({ webhookId }: KnownWebhook, { attempts }: Effect): Promise<EffectResult> {
    const message = 'Its secret is not in the database, which was made anew.';
    if (attempts === 0) return { outcome: 'again', message };
    await this.#disable(webhookId, 'failing', `${message} Rotate it, give the new one to the receiver, and enable the webhook.`);
    return { outcome: 'failed', message };
  }

  async #disable(webhookId: string, reason: 'gone' | 'failing', detail: string): Promise<void> {
    const command = { type: 'DisableWebhook', reason, detail } as const;
    await this.#deps.commands.execute(webhookAggregate, webhookId, command, { actor: 'system:effects', correlationId: webhookId });
  }
}
