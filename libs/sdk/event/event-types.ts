import type { ContentEvent, DomainEvent, PlaybackEvent } from '../../events/index.ts';

/** Every event, as it is read: the newest version of each type. */
export type AnyEvent = DomainEvent;
export type EventType = AnyEvent['type'];
export type EventOfType<Type extends EventType> = Extract<AnyEvent, { readonly type: Type }>;

/** Events that backend teams may publish; the others are the platform's own words. */
export type OpenEvent = ContentEvent | PlaybackEvent;
export type OpenType = OpenEvent['type'];

/** The data of a type. */
export type DataOf<Type extends EventType> = EventOfType<Type>['data'];

/** What may be said besides the data; everything else follows from it, or is the platform's to say. */
export interface EventOptions {
  /** Made when it is left out. Publishing the same id again is no second event. */
  readonly id?: string;
  /** When it happened. Left out: the time within a UUIDv7 `id`; with any other `id`, when the platform takes it; without an `id`, now. */
  readonly time?: Date | number;
  /** A URI reference of who says it, such as `/billing`; that of the connection when it is left out. */
  readonly source?: string;
  /** The request or session that it belongs to. */
  readonly correlationId?: string;
  /** Id of what caused it. */
  readonly causationId?: string;
  /** W3C trace context. */
  readonly traceparent?: string;
}

/** An event that is to be published. */
export interface EventInput<Type extends OpenType = OpenType> extends EventOptions {
  readonly type: Type;
  readonly data: DataOf<Type>;
}

/** One of {@link EventInput}, whose data fits its type. */
export type AnyEventInput = { readonly [Type in OpenType]: EventInput<Type> }[OpenType];
