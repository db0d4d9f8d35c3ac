import type { KnownWebhook } from '#domain/operation';
import type { Effect, EffectAttempt } from '#ports';
import { isoTime } from '../http/fields.ts';

export function webhookView(webhook: KnownWebhook, nowMs: number): object {
  const { webhookId: id, url, description, contexts, types, subject, disabledBecause, secretNumber } = webhook;
  const previous = secretNumber > 1 && webhook.previousUntilMs > nowMs ? webhook.previousUntilMs : null;
  const about = { id, url, description, contexts, types, subject, status: webhook.webhook, disabledBecause };
  return { ...about, registeredAt: isoTime(webhook.registeredAtMs), secretNumber, previousSecretUntil: isoTime(previous) };
}

function attemptView({ startedAtMs, durationMs, ok, status, detail }: EffectAttempt): object {
  return { at: isoTime(startedAtMs), durationMs: Math.round(durationMs * 10) / 10, ok, status, detail };
}

/** An effect as everybody sees it who may see it. */
export function effectView(effect: Effect, tries: readonly EffectAttempt[]): object {
  const { key: id, eventId, eventType, topic, partition, state, attempts, lastError, nextTryAtMs, createdAtMs, endedAtMs } = effect;
  const event = { eventId, eventType, topic, partition, offset: String(effect.offset) };
  const times = { nextTryAt: state === 'pending' ? isoTime(nextTryAtMs) : null, createdAt: isoTime(createdAtMs), endedAt: isoTime(endedAtMs) };
  return { id, ...event, state, attempts, lastError, ...times, tries: tries.map(attemptView) };
}
