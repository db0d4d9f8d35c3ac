import { createHash } from 'node:crypto';

export interface IntentOrigin {
  readonly tenant: string;
  readonly eventId: string;
  readonly reactor: string;
  readonly kind: string;
  readonly lane: string;
  /** Which of the event's intents of that kind and lane, from 0. */
  readonly index: number;
}

/**
 * What an intent is called everywhere: in the ledger, in the queue, and to the receiver, who knows by it what it has done
 * already. Ids of published events are their tenant's own, so the tenant is part of it. Intents are counted per lane, so that
 * one is called the same whoever else gets the event. 128 bits of SHA-256.
 */
export function intentKey({ tenant, eventId, reactor, kind, lane, index }: IntentOrigin): string {
  return `ef-${createHash('sha256')
    .update(JSON.stringify([tenant, eventId, reactor, kind, lane, index]))
    .digest('hex')
    .slice(0, 32)}`;
}
