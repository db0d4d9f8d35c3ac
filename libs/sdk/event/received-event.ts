import { definitionOf, readValue, releasedVersionOf } from '../../events/index.ts';
import { StreamsError } from '../errors.ts';
import type { AnyEvent, EventOfType, EventType } from './event-types.ts';

/** A CloudEvent of the JSON format, as Streams sends it; nothing of it is checked. */
export type CloudEventJson = Readonly<Record<string, unknown>>;

/** Where an event stands, and how to go on behind it. */
export interface Place {
  /** Following from here loses nothing behind this event. Sent in batches, an event that is not the last of its batch has the token before it. */
  readonly token: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** When the log recorded it, ms since the Unix epoch. */
  readonly recordedAt: number;
}

/** An event as a subscription brings it, its data lifted to the newest version. */
export type Received<Type extends EventType = EventType> = EventOfType<Type> & Place;

/** What this SDK's catalogue cannot read: the event is newer than the SDK, or was written past every check. */
export class EventUnreadableError extends StreamsError {
  override readonly name = 'EventUnreadableError';
  readonly event: CloudEventJson;

  constructor(message: string, event: CloudEventJson, cause?: unknown) {
    super(message, { code: 'EVENT_UNREADABLE', retryable: false, cause });
    this.event = event;
  }
}

function text(event: CloudEventJson, name: string): string {
  const value = event[name];
  return typeof value === 'string' ? value : '';
}

function time(event: CloudEventJson, name: string): number {
  const ms = Date.parse(text(event, name));
  if (Number.isFinite(ms)) return ms;
  throw new EventUnreadableError(`The attribute ${name} is no time.`, event);
}

function number(event: CloudEventJson, name: string): bigint {
  const value = text(event, name);
  if (/^\d{1,19}$/.test(value)) return BigInt(value);
  throw new EventUnreadableError(`The attribute ${name} is not a whole number.`, event);
}

/** @throws EventUnreadableError */
export function receivedEvent(event: CloudEventJson, token: string): Received {
  const type = text(event, 'type');
  const definition = definitionOf(type);
  if (definition === undefined) throw new EventUnreadableError(`This SDK's catalogue has no event ${type || '(without a type)'}; is there a newer SDK?`, event);
  const read = {
    id: text(event, 'id'),
    type,
    version: definition.version,
    source: text(event, 'source'),
    subject: text(event, 'subject'),
    time: time(event, 'time'),
    key: text(event, 'partitionkey'),
    tenant: text(event, 'tenant'),
    correlationId: text(event, 'correlationid'),
    causationId: text(event, 'causationid'),
    traceparent: text(event, 'traceparent'),
    actor: text(event, 'actor'),
    streamVersion: number(event, 'streamversion'),
    producerEpoch: number(event, 'producerepoch'),
    data: dataOf(event, definition),
    ...placeOf(event, token),
  };
  return read as AnyEvent & Place as Received;
}

export function placeOf(event: CloudEventJson, token: string): Place {
  const partition = event['partition'];
  if (typeof partition !== 'number') throw new EventUnreadableError('The attribute partition is missing.', event);
  return { token, topic: text(event, 'topic'), partition, offset: number(event, 'offset'), recordedAt: time(event, 'recordedtime') };
}

function dataOf(event: CloudEventJson, definition: NonNullable<ReturnType<typeof definitionOf>>): unknown {
  try {
    return readValue(definition, releasedVersionOf(definition, text(event, 'dataschema')), event['data']);
  } catch (error) {
    throw new EventUnreadableError((error as Error).message, event, error);
  }
}
