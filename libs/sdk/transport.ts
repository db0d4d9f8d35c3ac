import type { CloudEventJson, OutgoingEvent } from './event/index.ts';
import type { StreamsErrorCode } from './errors.ts';

/** On the log, durably. */
export interface Accepted {
  readonly accepted: true;
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** True when it was there already: the same event was published before, perhaps by an attempt whose answer was lost. */
  readonly duplicate: boolean;
}

/** Not known to be on the log. */
export interface Refused {
  readonly accepted: false;
  readonly id: string;
  readonly code: StreamsErrorCode;
  /** The field at fault, such as `data.contentId`; empty when the whole event is, or none. */
  readonly field: string;
  readonly message: string;
  /** True when it may be accepted later, unchanged and under the same id. */
  readonly retryable: boolean;
}

export type PublishResult = Accepted | Refused;

/** What a subscription wants; what is left out does not matter. */
export interface EventFilter {
  readonly contexts?: readonly string[] | undefined;
  readonly types?: readonly string[] | undefined;
  /** Exactly this subject, or everything under it: `st-1` also means `st-1/720p`. */
  readonly subject?: string | undefined;
  readonly subjectPrefix?: string | undefined;
  /** Partition key, such as a stream id. */
  readonly key?: string | undefined;
  /** Only this tenant's; what your key cannot see is not there. */
  readonly tenant?: string | undefined;
}

/** Where a subscription begins: at a place, at what was recorded since a time, or behind a token. */
export type Start = { readonly at: 'now' | 'recent' | 'beginning' } | { readonly time: number } | { readonly token: string };

/** Events in the order of the log, and the token that resumes behind them. No events: the token moves on alone. */
export interface Delivery {
  readonly events: readonly CloudEventJson[];
  readonly token: string;
}

/** One way to Streams and back. */
export interface Transport {
  readonly name: string;
  /** Most events and bytes that one call should hold. */
  readonly batchMax: { readonly events: number; readonly bytes: number };
  /** How many lanes a publisher has to have, where that is not for the publisher to say. */
  readonly lanes?: number;
  /** The lane of an event, where it is not for the publisher to say. */
  laneOf?(event: OutgoingEvent): number;
  /** One result per event, in their order. @throws StreamsError when the outcome of all is unknown, or nothing was tried. */
  publish(events: readonly OutgoingEvent[], signal: AbortSignal): Promise<readonly PublishResult[]>;
  /** One connection: ends, or throws a StreamsError, when it does. */
  subscribe(filter: EventFilter, start: Start, signal: AbortSignal): AsyncIterable<Delivery>;
  close(): Promise<void>;
}
