/** The bounded contexts that own events; one topic each. New ones come last. */
export const contexts = ['stream', 'cache', 'edge', 'access', 'content', 'playback', 'operation', 'zone', 'traffic'] as const;
export type Context = (typeof contexts)[number];

/** Partitions of every topic. Fixed at creation: a key must land on the same partition for ever. */
export const topicPartitions = 12;

/**
 * A CloudEvents 1.0 event with the extensions that Streams always sets. Names follow TypeScript here; the codec maps
 * them to the attribute names of the specification (`correlationId` → `correlationid`).
 */
export interface EventEnvelope<Type extends string = string, Data = unknown> {
  /** UUIDv7; the event's identity on every engine. */
  readonly id: string;
  readonly type: Type;
  /** Schema version of `data`; after decoding always the newest. */
  readonly version: number;
  /** The producing app and instance, such as `/ingest/node-1`. */
  readonly source: string;
  /** What the event is about, such as a stream id. `streamVersion` counts per context and subject. */
  readonly subject: string;
  /** When it happened, ms since the Unix epoch. */
  readonly time: number;
  /** Partition key. */
  readonly key: string;
  readonly tenant: string;
  /** The request or session that everything here belongs to. */
  readonly correlationId: string;
  /** Id of the event or command that caused this one. */
  readonly causationId: string;
  /** W3C trace context; empty when there is no trace. */
  readonly traceparent: string;
  /** Who caused it: `key:<id>`, `system:<app>`, `publisher:<session or stream>`. */
  readonly actor: string;
  /** Sequence within the subject, from 1. Facts count within their producer's epoch, over all its subjects. */
  readonly streamVersion: bigint;
  /** Fencing epoch of the lease under which a fact was written; 0 for commands. Folds ignore facts of older epochs. */
  readonly producerEpoch: bigint;
  /** Of a copy, the region in which it was written, as this region names it; absent on what was written here. */
  readonly origin?: string;
  readonly data: Data;
}
