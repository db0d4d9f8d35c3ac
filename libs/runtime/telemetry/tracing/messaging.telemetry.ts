import type { Attributes, SpanKind } from './tracer.ts';

/**
 * Names of the OpenTelemetry semantic conventions for messaging. They are still in development: this file is the only
 * one that knows them. Span names and kinds are those of version 1.43 (`{operation} {destination}`); the attributes of
 * the operation are those of version 1.24 until OTEL_SEMCONV_STABILITY_OPT_IN says `messaging` (the new ones) or
 * `messaging/dup` (both).
 */
export type MessagingConventions = 'old' | 'new' | 'both';

/** How spans of messages are named in this process. */
export interface MessagingNames {
  readonly conventions: MessagingConventions;
  /** `messaging.system`: `kafka` when the log is there, `streams` for the embedded log. */
  readonly system: 'kafka' | 'streams';
}

export interface MessagingOperation {
  /** What is done with the messages. */
  readonly operation: 'create' | 'send' | 'receive' | 'process';
  /** Topics; more than one when a transaction covers several. */
  readonly destination: string;
  readonly messages: number;
  readonly partition?: number | undefined;
  readonly group?: string;
}

const kinds: Readonly<Record<MessagingOperation['operation'], SpanKind>> = { create: 'producer', send: 'producer', receive: 'client', process: 'consumer' };

/** The word of version 1.24 for each operation. */
const oldWords: Readonly<Record<MessagingOperation['operation'], string>> = { create: 'create', send: 'publish', receive: 'receive', process: 'process' };

export function readConventions(optIn: string | undefined): MessagingConventions {
  const choices = (optIn ?? '').split(',').map((one) => one.trim());
  if (choices.includes('messaging/dup')) return 'both';
  return choices.includes('messaging') ? 'new' : 'old';
}

/** Name, kind and attributes of a span for an operation on the log. */
export function messagingSpan(one: MessagingOperation, { conventions, system }: MessagingNames): { name: string; kind: SpanKind; attributes: Attributes } {
  const { operation, destination, messages, partition, group } = one;
  return {
    name: `${operation} ${destination}`,
    kind: kinds[operation],
    attributes: {
      'messaging.system': system,
      'messaging.destination.name': destination,
      'messaging.batch.message_count': messages > 1 ? messages : undefined,
      'messaging.destination.partition.id': partition === undefined ? undefined : String(partition),
      ...(conventions === 'new' ? {} : { 'messaging.operation': oldWords[operation] }),
      ...(conventions === 'old' ? {} : { 'messaging.operation.name': operation, 'messaging.operation.type': operation }),
      ...(group === undefined ? {} : { [conventions === 'old' ? 'messaging.kafka.consumer.group' : 'messaging.consumer.group.name']: group }),
    },
  };
}
