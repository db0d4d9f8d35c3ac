import { subjectErased, type DomainEvent } from '#events';
import type { Intent, Occurrence, Reactor } from '#kernel';

export const subjectErasure = 'subject-erasure';

/** What is to be done here about an erasure in another region. */
export interface ErasureOrder {
  readonly subject: string;
  readonly keyIds: readonly string[];
  readonly tenant: string;
  readonly reason: string;
  readonly erasedAtMs: number;
  /** Null where this region's own keys are none of its business. */
  readonly shared: string | null;
  /** What stands for the secret by which `shared` was made; null in events from before it was told. */
  readonly check: string | null;
  /** The region that erased it. */
  readonly origin: string;
  readonly ofTenant: string | null;
}

function react({ event }: Occurrence<DomainEvent>): readonly Intent[] {
  if (event.type !== subjectErased.type) return [];
  const { subject, keyIds, reason, shared = null, check = null, ofTenant = null } = event.data;
  const { origin = '', tenant, time: erasedAtMs } = event;
  const order: ErasureOrder = { subject, keyIds, reason, tenant, erasedAtMs, shared, check, origin, ofTenant };
  // What stands for a subject may begin with a dash; a lane, like every id, does not.
  return [{ kind: subjectErasure, lane: `subject:${subject}`, payload: { ...order } }];
}

/** Has erasures of other regions done here as well: once, and never by a replay. */
export const erasuresReactor: Reactor<DomainEvent> = {
  name: 'erasures',
  version: 2,
  contexts: ['access'],
  of: 'copies',
  handles: [subjectErased.type],
  react,
};
