import {
  catalogue,
  contexts,
  definitionOf,
  effectAbandoned,
  effectFailed,
  effectSucceeded,
  webhookTestRequested,
  type Context,
  type DomainEvent,
} from '#events';
import type { Intent, Occurrence, Reactor } from '#kernel';
import type { KnownWebhook } from './webhook.decider.ts';

/** A webhook that wants events, and whose it is. */
export interface WantedBy {
  readonly tenant: string;
  readonly webhook: Pick<KnownWebhook, 'webhookId' | 'contexts' | 'types' | 'subject' | 'registeredAtMs'>;
}

export const webhookDelivery = 'webhook-delivery';

/** Deliveries end with these: delivered themselves, they would never end. */
const ends: ReadonlySet<string> = new Set([effectSucceeded.type, effectFailed.type, effectAbandoned.type]);

export const webhookTypes: readonly string[] = catalogue.map(({ type }) => type as string).filter((type) => !ends.has(type));

function wants({ webhook }: WantedBy, event: DomainEvent, context: Context): boolean {
  if (event.type === webhookTestRequested.type) return event.data.webhookId === webhook.webhookId;
  const { contexts: wanted, types, subject } = webhook;
  if (wanted !== null && !wanted.includes(context)) return false;
  if (types !== null && !types.includes(event.type)) return false;
  return subject === null || event.subject === subject || event.subject.startsWith(`${subject}/`);
}

/** A delivery names the event by its place: what is erased in the meantime is not sent, and the ledger of effects holds no copies. */
function react({ event, recordedAtMs }: Occurrence<DomainEvent>, known: readonly WantedBy[]): readonly Intent[] {
  const context = definitionOf(event.type)?.context;
  if (context === undefined) return [];
  return known
    .filter((one) => one.tenant === event.tenant && recordedAtMs >= one.webhook.registeredAtMs && wants(one, event, context))
    .map(({ webhook: { webhookId } }) => ({ kind: webhookDelivery, lane: webhookId, payload: { webhookId } }));
}

/** Has every event delivered to the webhooks of its tenant that want it. */
export const webhooksReactor: Reactor<DomainEvent, readonly WantedBy[]> = {
  name: 'webhooks',
  version: 1,
  contexts,
  handles: webhookTypes,
  react,
};
