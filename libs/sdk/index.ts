export { connect, type ConnectInit } from './connect.ts';
export { EventRefusedError, StreamsError, type StreamsErrorCode, type WrongField } from './errors.ts';
export {
  EventUnreadableError,
  type AnyEvent,
  type AnyEventInput,
  type CloudEventJson,
  type DataOf,
  type EventInput,
  type EventOfType,
  type EventOptions,
  type EventType,
  type OpenEvent,
  type OpenType,
  type OutgoingEvent,
  type Received,
} from './event/index.ts';
export { type Publisher, type PublisherInit, type PublisherSummary } from './publish/index.ts';
export { rest, type RestInit } from './rest/index.ts';
export { type Streams } from './streams.ts';
export { MemoryResumeStore, type ResumeStore, type SubscribeInit } from './subscribe/index.ts';
export type { Accepted, Delivery, EventFilter, PublishResult, Refused, Start, Transport } from './transport.ts';
export { readPersonal, type PersonalValue } from '../events/index.ts';
