import { effectRetryRequested, type DomainEvent } from '#events';
import type { Occurrence, Reactor } from '#kernel';

/** Has effects begin anew that somebody asked for: in the order of the log, once, like every intent. */
export const effectRetriesReactor: Reactor<DomainEvent> = {
  name: 'effect_retries',
  version: 1,
  contexts: [effectRetryRequested.context],
  handles: [effectRetryRequested.type],
  react: ({ event }: Occurrence<DomainEvent>) => (event.type === effectRetryRequested.type ? [{ repeats: event.data.effectKey }] : []),
};
