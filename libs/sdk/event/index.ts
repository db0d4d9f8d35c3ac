export * from './event-types.ts';
export { outgoingEvent, type OutgoingEvent } from './outgoing-event.ts';
export { EventUnreadableError, placeOf, receivedEvent, type CloudEventJson, type Place, type Received } from './received-event.ts';
