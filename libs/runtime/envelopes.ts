import { checkData, definitionOf, type AnyDefinition, type Context, type DraftEvent, type DraftOf, type EventEnvelope } from '#events';
import { assert } from '#kernel';
import type { Clock, IdSource } from '#ports';

/** A decided event of the catalogue that has no envelope yet. */
export type CatalogueDraft = DraftOf<AnyDefinition>;

/** What the envelopes of one command or one publication have in common. */
export interface EnvelopeMeta {
  readonly context: Context;
  readonly actor: string;
  readonly correlationId: string;
  readonly causationId: string;
  readonly traceparent: string;
  readonly tenant: string;
  readonly producerEpoch: bigint;
}

export interface EnvelopeDeps {
  readonly clock: Clock;
  readonly ids: IdSource;
  /** CloudEvents `source` of everything written here, such as `/ingest/node-1`. */
  readonly source: string;
}

/**
 * Puts the envelope round a draft.
 * @throws EventInvalidError when the data does not fit the schema of its event.
 */
export function envelop(draft: DraftEvent, meta: EnvelopeMeta, streamVersion: bigint, deps: EnvelopeDeps): EventEnvelope {
  const definition = definitionOf(draft.type);
  assert(definition !== undefined, `the catalogue has no event ${draft.type}`);
  assert(definition.context === meta.context, `${draft.type} belongs to ${definition.context}, not to ${meta.context}`);
  const data = checkData(definition, draft.data);
  return {
    id: deps.ids.next(),
    type: definition.type,
    version: definition.version,
    source: deps.source,
    subject: definition.subject(data),
    time: deps.clock.now(),
    key: definition.key(data),
    tenant: meta.tenant,
    correlationId: meta.correlationId,
    causationId: meta.causationId,
    traceparent: meta.traceparent,
    actor: meta.actor,
    streamVersion,
    producerEpoch: meta.producerEpoch,
    data,
  };
}
