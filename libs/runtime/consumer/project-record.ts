import { decodeEvent, definitionOf, EventInvalidError, isDirect, type DomainEvent, type StoredRecord } from '#events';
import { OperatingError, type Projection, type RowChange } from '#kernel';

const nothing: readonly RowChange[] = [];

function at(record: StoredRecord): string {
  return `partition ${record.partition}, offset ${record.offset}`;
}

/** What a projection does with each type, looked up by one step per record. */
const interests = new WeakMap<Projection<DomainEvent>, ReadonlyMap<string, 'handles' | 'ignores'>>();

function interestIn(projection: Projection<DomainEvent>, type: string): 'handles' | 'ignores' | undefined {
  let types = interests.get(projection);
  if (types === undefined) {
    types = new Map([...projection.handles.map((one) => [one, 'handles'] as const), ...projection.ignores.map((one) => [one, 'ignores'] as const)]);
    interests.set(projection, types);
  }
  return types.get(type);
}

/** True for a record of a type that the projection passes over. */
export function isIgnored(projection: Projection<DomainEvent>, record: StoredRecord): boolean {
  return interestIn(projection, record.headers['ce_type'] ?? '') === 'ignores';
}

/**
 * The row changes of one record.
 * @throws OperatingError `EVENT_UNHANDLED`: the projection says neither that it handles nor that it ignores the type.
 * @throws OperatingError `EVENT_UNREADABLE`: the record does not decode, or is of no type of this topic; the cause says why.
 * @throws OperatingError `PROJECTION_FAILED`: the projection itself threw.
 */
export function projectRecord(projection: Projection<DomainEvent>, record: StoredRecord): readonly RowChange[] {
  const type = record.headers['ce_type'] ?? '';
  const interest = interestIn(projection, type);
  if (interest === 'ignores') return nothing;
  if (interest === undefined) {
    if (!belongsTo(projection, type)) throw foreign(record, type);
    throw new OperatingError(`${projection.name} neither handles nor ignores "${type}" (${at(record)}).`, { code: 'EVENT_UNHANDLED', retryable: false });
  }
  const event = decode(record);
  try {
    return projection.project(event, record.recordedAt);
  } catch (cause) {
    throw new OperatingError(`${projection.name} failed on ${type} (${at(record)}).`, { code: 'PROJECTION_FAILED', retryable: false, cause });
  }
}

/** Somebody else's record is told what is wrong with it first: it may lack more than a type of this topic. */
function foreign(record: StoredRecord, type: string): OperatingError {
  if (isDirect(record)) decode(record);
  return unreadable(record, new EventInvalidError('EVENT_TYPE_UNKNOWN', `This topic has no event "${type}".`, 'type'));
}

function decode(record: StoredRecord): DomainEvent {
  try {
    return decodeEvent(record);
  } catch (cause) {
    throw unreadable(record, cause);
  }
}

function unreadable(record: StoredRecord, cause: unknown): OperatingError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new OperatingError(`The event at ${at(record)} cannot be read: ${why}`, { code: 'EVENT_UNREADABLE', retryable: false, cause });
}

/** False for a type that the catalogue does not have in any topic that the projection reads. */
function belongsTo({ contexts }: Projection<DomainEvent>, type: string): boolean {
  const definition = definitionOf(type);
  return definition !== undefined && contexts.includes(definition.context);
}
