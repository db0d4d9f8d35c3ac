import { readFlag, readInteger, type Environment } from '#runtime';

export interface EffectSettings {
  /** How long effects that are over are kept, with their tries, ms. */
  readonly keepMs: number;
  readonly webhooks: WebhookSendSettings;
}

export interface WebhookSendSettings {
  /** Deliveries under way at once, in this process … */
  readonly concurrency: number;
  /** … and of one webhook, in all processes together. */
  readonly perWebhook: number;
  readonly timeoutMs: number;
  readonly triesMax: number;
  /** Before the second try; doubled, or more, for each that follows. */
  readonly firstRetryMs: number;
  /** Receivers may be on private networks, and on this machine. */
  readonly privateAddresses: boolean;
}

export function readEffectSettings(env: Environment): EffectSettings {
  return {
    keepMs: readInteger(env, 'EFFECTS_KEEP_DAYS', 30, 1, 3650) * 86_400_000,
    webhooks: {
      concurrency: readInteger(env, 'WEBHOOK_CONCURRENCY', 32, 1, 1000),
      perWebhook: readInteger(env, 'WEBHOOK_CONCURRENCY_EACH', 4, 1, 100),
      timeoutMs: readInteger(env, 'WEBHOOK_TIMEOUT_SECONDS', 10, 1, 60) * 1000,
      triesMax: readInteger(env, 'WEBHOOK_TRIES', 8, 1, 20),
      firstRetryMs: readInteger(env, 'WEBHOOK_RETRY_SECONDS', 10, 1, 3600) * 1000,
      privateAddresses: readFlag(env, 'WEBHOOK_PRIVATE_ADDRESSES', false),
    },
  };
}
