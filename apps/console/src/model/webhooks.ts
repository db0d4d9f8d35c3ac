export interface Webhook {
  readonly id: string;
  readonly url: string;
  readonly description: string;
  readonly contexts: readonly string[] | null;
  readonly types: readonly string[] | null;
  readonly subject: string | null;
  readonly status: 'enabled' | 'disabled';
  readonly disabledBecause: 'owner' | 'gone' | 'failing' | null;
  readonly registeredAt: string;
  readonly secretNumber: number;
  readonly previousSecretUntil: string | null;
}

/** As the API answers once: to the registration, and to the change of the secret. */
export interface WebhookWithSecret extends Webhook {
  readonly secret: string;
}

export const deliveryStates = ['pending', 'succeeded', 'failed', 'abandoned'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

export interface Try {
  readonly at: string;
  readonly durationMs: number;
  readonly ok: boolean;
  /** HTTP status; null when there was no answer. */
  readonly status: number | null;
  readonly detail: string;
}

export interface Delivery {
  readonly id: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly nextTryAt: string | null;
  readonly createdAt: string;
  readonly tries: readonly Try[];
}

export interface Effect extends Delivery {
  readonly kind: string;
  readonly lane: string;
}

export interface Reactors {
  readonly items: ReadonlyArray<{
    readonly name: string;
    readonly version: number;
    readonly lagEvents: number;
    /** Why it does not move, and the way out. */
    readonly trouble: { readonly message: string } | null;
    readonly movedAt: string;
    readonly resets: number;
  }>;
  readonly backlog: ReadonlyArray<{ readonly kind: string; readonly pending: number; readonly oldestAt: string }>;
}

export interface WebhookDraft {
  readonly url: string;
  readonly description: string;
  readonly contexts: readonly string[];
  /** Separated by commas. */
  readonly types: string;
  readonly subject: string;
}

export const emptyWebhook: WebhookDraft = { url: '', description: '', contexts: [], types: '', subject: '' };

/** What is left out is not asked for: a webhook without wishes gets every event. */
export function registrationOf({ url, description, contexts, types, subject }: WebhookDraft): object {
  const wanted = types
    .split(',')
    .map((type) => type.trim())
    .filter((type) => type !== '');
  return {
    url: url.trim(),
    ...(description.trim() === '' ? {} : { description: description.trim() }),
    ...(contexts.length === 0 ? {} : { contexts }),
    ...(wanted.length === 0 ? {} : { types: wanted }),
    ...(subject.trim() === '' ? {} : { subject: subject.trim() }),
  };
}

/** What a webhook gets, in words. */
export function wishesOf({ contexts, types, subject }: Pick<Webhook, 'contexts' | 'types' | 'subject'>): string {
  const wishes = [types?.join(', ') ?? '', contexts === null ? '' : `of ${contexts.join(', ')}`, subject === null ? '' : `about ${subject}`];
  return wishes.filter((wish) => wish !== '').join(' ') || 'every event';
}

const reasons = { owner: 'disabled', gone: 'disabled: it answered 410 (gone)', failing: 'disabled: it took nothing for as long as it was tried' } as const;

export function standingOf({ status, disabledBecause }: Pick<Webhook, 'status' | 'disabledBecause'>): string {
  return status === 'enabled' ? status : reasons[disabledBecause ?? 'owner'];
}
