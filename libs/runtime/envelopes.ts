import { checkData, definitionOf, type AnyDefinition, type Context, type DraftEvent, type DraftOf, type EventEnvelope } from '#events';
import { assert, OperatingError } from '#kernel';
import type { Clock, IdSource } from '#ports';
import type { PersonalData, SealedData, SealInit } from './personal/personal-data.ts';

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
  /** Encrypts what tells of a person. Without it an event that does is not written. */
  readonly personal?: PersonalData | undefined;
}

/**
 * Puts the envelope round a draft, its personal values encrypted.
 * @throws EventInvalidError when the data does not fit the schema of its event.
 * @throws OperatingError `PERSONAL_UNSEALED` when it tells of a person and nobody can encrypt; whatever the keys fail with.
 */
export async function envelop(draft: DraftEvent, meta: EnvelopeMeta, streamVersion: bigint, deps: EnvelopeDeps): Promise<EventEnvelope> {
  const definition = definitionOf(draft.type);
  assert(definition !== undefined, `the catalogue has no event ${draft.type}`);
  assert(definition.context === meta.context, `${draft.type} belongs to ${definition.context}, not to ${meta.context}`);
  const checked = checkData(definition, draft.data);
  const id = deps.ids.next();
  const { data, nameless } = await sealed({ definition, eventId: id, data: checked }, meta.tenant, deps.personal);
  return {
    id,
    type: definition.type,
    version: definition.version,
    source: deps.source,
    subject: definition.subject(nameless),
    time: deps.clock.now(),
    key: definition.key(nameless),
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

async function sealed(init: SealInit, tenant: string, personal: PersonalData | undefined): Promise<SealedData> {
  const { definition, data } = init;
  const subject = definition.dataSubject(data);
  if (subject === undefined) return { data, nameless: data };
  if (personal !== undefined) return personal.seal(init, { tenant, subject });
  throw new OperatingError(`${definition.type} tells of a person, and its writer has no keys: it would be on the log in clear.`, {
    code: 'PERSONAL_UNSEALED',
    retryable: false,
  });
}
