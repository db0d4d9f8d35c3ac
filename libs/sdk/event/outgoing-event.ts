import { dataschemaOf, definitionOf, KeyTimes, readValue, type Context } from '../../events/index.ts';
import { OperatingError } from '../../kernel/index.ts';
import { EventRefusedError, type StreamsErrorCode } from '../errors.ts';
import { newEventId, timeOfEventId } from './event-id.ts';
import type { EventOptions } from './event-types.ts';

/** An event that is checked and on its way; its id stays the same however often it is sent. */
export interface OutgoingEvent {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  /** ms since the Unix epoch */
  readonly time: number;
  /**
   * False when the caller gave no time, and an id that holds none. Where contents of the same id are compared, the time is then
   * not sent but is when the platform takes it: a second call with that id is the same event, though it is made later.
   */
  readonly isTimeStated: boolean;
  readonly dataschema: string;
  readonly context: Context;
  /** Partition key. */
  readonly key: string;
  readonly subject: string;
  readonly correlationId: string | undefined;
  readonly causationId: string | undefined;
  readonly traceparent: string | undefined;
  /** JSON */
  readonly data: string;
  /** About what it takes in memory and on the wire. */
  readonly bytes: number;
}

/** Of the attributes around the data. */
const envelopeBytes = 400;

/** Of events that get their id here: who says two things of one key within a millisecond is right with the second. */
const times = new KeyTimes();

/**
 * Checks an event against the catalogue, as the other side will, and completes it.
 * @throws EventRefusedError naming the field at fault.
 */
export function outgoingEvent(type: string, data: unknown, options: EventOptions, source: string): OutgoingEvent {
  const id = options.id ?? newEventId();
  const refuse = (code: StreamsErrorCode, field: string, message: string, cause?: unknown): never => {
    throw new EventRefusedError(message, { code, field, eventId: id, cause });
  };
  const definition = definitionOf(type) ?? refuse('EVENT_TYPE_UNKNOWN', 'type', `The catalogue has no event ${type}.`);
  if (definition.publishers !== 'anyone') refuse('EVENT_NOT_OPEN', 'type', `Only the platform itself says ${type}; ask for it by its command.`);
  const stated = options.time ?? timeOfEventId(id);
  const time = Number(stated ?? Date.now());
  if (!(Math.abs(time) <= 8.64e15)) refuse('EVENT_TIME_INVALID', 'time', 'The time is none.');
  try {
    // Data that is plainly right is not taken apart and put together again.
    const checked = readValue(definition, definition.version, data);
    const json = JSON.stringify(checked);
    const key = definition.key(checked);
    const isOwn = options.id === undefined && options.time === undefined;
    return {
      id,
      type,
      source: options.source ?? source,
      time: isOwn ? times.next(`${definition.context} ${key}`, time) : time,
      isTimeStated: stated !== undefined,
      dataschema: dataschemaOf(type, definition.version),
      context: definition.context,
      key,
      subject: definition.subject(checked),
      correlationId: options.correlationId,
      causationId: options.causationId,
      traceparent: options.traceparent,
      data: json,
      bytes: json.length + envelopeBytes,
    };
  } catch (error) {
    const { code, field } = error as { readonly code?: StreamsErrorCode; readonly field?: string };
    if (!(error instanceof OperatingError)) throw error;
    return refuse(code ?? 'EVENT_DATA_INVALID', field ?? 'data', error.message, error);
  }
}
