import {
  webhookChanged,
  webhookDisabled,
  webhookRegistered,
  webhookRemoved,
  webhookSecretRotated,
  webhookTestRequested,
  type Context,
  type DraftOf,
  type WebhookEventDefinition,
} from '#events';
import { accept, refuse, unreachable, type Decider, type Decision } from '#kernel';
import { webhookUrlFault } from './webhook-url.core.ts';

/** Which events go where. */
export interface WebhookSettings {
  readonly url: string;
  readonly description: string;
  readonly contexts: readonly Context[] | null;
  readonly types: readonly string[] | null;
  readonly subject: string | null;
}

export type WebhookCommand =
  | (WebhookSettings & { readonly type: 'RegisterWebhook'; readonly webhookId: string; readonly nowMs: number })
  /** What is left out stays. */
  | { readonly type: 'ChangeWebhook'; readonly change: Partial<WebhookSettings>; readonly enabled?: boolean | undefined; readonly reason: string }
  | { readonly type: 'RotateWebhookSecret'; readonly nowMs: number; readonly overlapMs: number; readonly reason: string }
  | { readonly type: 'DisableWebhook'; readonly reason: 'gone' | 'failing'; readonly detail: string }
  | { readonly type: 'TestWebhook' }
  | { readonly type: 'RemoveWebhook'; readonly reason: string };

export type WebhookDraft = DraftOf<WebhookEventDefinition>;

export interface KnownWebhook extends WebhookSettings {
  /** Tells it from the other aggregates of this context. */
  readonly kind: 'webhook';
  readonly webhookId: string;
  readonly webhook: 'enabled' | 'disabled' | 'removed';
  readonly disabledBecause: 'owner' | 'gone' | 'failing' | null;
  readonly registeredAtMs: number;
  /** Secrets that it has had; the last one signs, the one before as well until `previousUntilMs`. */
  readonly secretNumber: number;
  readonly previousUntilMs: number;
  readonly tests: number;
}

export type WebhookState = { readonly webhook: 'absent' } | KnownWebhook;

/** Longest overlap of two secrets: a week. */
export const secretOverlapMsMax = 604_800_000;

/** Secrets are named by webhook and number, and made at their first use; nothing of them is on the log. */
export function webhookSecretName(webhookId: string, number: number): string {
  return `webhook/${webhookId}/${number}`;
}

function dataOf({ webhookId, url, description, contexts, types, subject }: WebhookSettings & { readonly webhookId: string }) {
  return { webhookId, url, description, contexts: contexts === null ? null : [...contexts], types: types === null ? null : [...types], subject };
}

function change(state: KnownWebhook, { change: asked, enabled, reason }: Extract<WebhookCommand, { type: 'ChangeWebhook' }>): Decision<WebhookDraft> {
  const fault = asked.url === undefined ? undefined : webhookUrlFault(asked.url);
  if (fault !== undefined) return refuse('invalid-url', `url: ${fault}`);
  const before = { ...dataOf(state), enabled: state.webhook === 'enabled' };
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  const after = { ...dataOf({ ...state, ...given }), enabled: enabled ?? before.enabled };
  return JSON.stringify(after) === JSON.stringify(before) ? accept<WebhookDraft>() : accept<WebhookDraft>(webhookChanged.draft({ ...after, reason }));
}

function decide(command: WebhookCommand, state: WebhookState): Decision<WebhookDraft> {
  if (command.type === 'RegisterWebhook') {
    if (state.webhook !== 'absent') return refuse('webhook-taken', 'This id is used already.');
    const fault = webhookUrlFault(command.url);
    if (fault !== undefined) return refuse('invalid-url', `url: ${fault}`);
    return accept<WebhookDraft>(webhookRegistered.draft({ ...dataOf(command), registeredAtMs: command.nowMs }));
  }
  if (state.webhook === 'absent' || state.webhook === 'removed') return refuse('unknown-webhook', 'There is no such webhook.');
  const { webhookId } = state;
  switch (command.type) {
    case 'ChangeWebhook':
      return change(state, command);
    case 'RotateWebhookSecret': {
      const previousUntilMs = command.nowMs + Math.min(command.overlapMs, secretOverlapMsMax);
      return accept<WebhookDraft>(webhookSecretRotated.draft({ webhookId, number: state.secretNumber + 1, previousUntilMs, reason: command.reason }));
    }
    case 'DisableWebhook':
      if (state.webhook === 'disabled') return accept<WebhookDraft>();
      return accept<WebhookDraft>(webhookDisabled.draft({ webhookId, reason: command.reason, detail: command.detail }));
    case 'TestWebhook':
      if (state.webhook === 'disabled') return refuse('webhook-disabled', 'The webhook is disabled: enable it first.');
      return accept<WebhookDraft>(webhookTestRequested.draft({ webhookId, number: state.tests + 1 }));
    case 'RemoveWebhook':
      return accept<WebhookDraft>(webhookRemoved.draft({ webhookId, reason: command.reason }));
    default:
      return unreachable(command);
  }
}

const fresh = { kind: 'webhook', webhook: 'enabled', disabledBecause: null, secretNumber: 1, previousUntilMs: 0, tests: 0 } as const;

function evolve(before: WebhookState, event: WebhookDraft): WebhookState {
  if (event.type === webhookRegistered.type) return { ...event.data, ...fresh };
  const state = before as KnownWebhook;
  switch (event.type) {
    case webhookChanged.type: {
      const { enabled, reason: _, ...settings } = event.data;
      if (enabled) return { ...state, ...settings, webhook: 'enabled', disabledBecause: null };
      return { ...state, ...settings, webhook: 'disabled', disabledBecause: state.webhook === 'disabled' ? state.disabledBecause : 'owner' };
    }
    case webhookSecretRotated.type:
      return { ...state, secretNumber: event.data.number, previousUntilMs: event.data.previousUntilMs };
    case webhookDisabled.type:
      return { ...state, webhook: 'disabled', disabledBecause: event.data.reason };
    case webhookTestRequested.type:
      return { ...state, tests: event.data.number };
    case webhookRemoved.type:
      return { ...state, webhook: 'removed' };
    default:
      return unreachable(event);
  }
}

export const webhookDecider: Decider<WebhookState, WebhookCommand, WebhookDraft> = { initialState: { webhook: 'absent' }, decide, evolve };

export const webhookAggregate = { context: 'operation', decider: webhookDecider } as const;
