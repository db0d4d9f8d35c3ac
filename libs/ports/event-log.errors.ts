import { OperatingError } from '#kernel';
import { recordBytesMax } from './event-log.port.ts';

/** The errors of an event log, worded once for every engine. */
export const eventLogErrors = {
  topicUnknown: (topic: string) => new OperatingError(`The topic ${topic} does not exist.`, { code: 'TOPIC_UNKNOWN', retryable: false }),
  partitionUnknown: (topic: string, partition: number, partitions: number) =>
    new OperatingError(`The topic ${topic} has the partitions 0 to ${partitions - 1}, but no ${partition}.`, { code: 'TOPIC_UNKNOWN', retryable: false }),
  topicMismatch: (topic: string, partitions: number, wanted: number) =>
    new OperatingError(`The topic ${topic} has ${partitions} partitions for ever, not ${wanted}.`, { code: 'TOPIC_MISMATCH', retryable: false }),
  offsetOutOfRange: (topic: string, partition: number, offset: bigint, low: bigint, high: bigint) =>
    new OperatingError(`Offset ${offset} of ${topic}/${partition} is out of range: it holds ${low} to ${high}.`, {
      code: 'OFFSET_OUT_OF_RANGE',
      retryable: false,
    }),
  /** Brokers that have just changed hands may not know yet how far the log goes; what was read must not be taken for all of it. */
  endsEarly: (topic: string, partition: number, from: bigint, high: bigint) =>
    new OperatingError(`Nothing follows ${from} of ${topic}/${partition} just now, though it went on to ${high} a moment ago.`, {
      code: 'LOG_UNAVAILABLE',
      retryable: true,
    }),
  producerFenced: (producer: string, epoch: bigint, current: bigint) =>
    new OperatingError(`The producer ${producer} of epoch ${epoch} was replaced by epoch ${current}.`, { code: 'PRODUCER_FENCED', retryable: false }),
  sequenceGap: (producer: string, sequence: bigint, next: bigint) =>
    new OperatingError(`The producer ${producer} sent sequence ${sequence}, but ${next} is next.`, { code: 'SEQUENCE_GAP', retryable: false }),
  versionConflict: (subject: string, expected: bigint, current: bigint) =>
    new OperatingError(`The subject ${subject} is at version ${current}, not ${expected}.`, { code: 'VERSION_CONFLICT', retryable: true }),
  recordTooLarge: (bytes: number) =>
    new OperatingError(`A record of ${bytes} bytes is more than the log takes (${recordBytesMax}).`, { code: 'RECORD_TOO_LARGE', retryable: false }),
  full: (cause?: unknown) =>
    new OperatingError('The disk of the event log is full; nothing was written. Free some space, then it goes on.', {
      code: 'LOG_FULL',
      retryable: true,
      cause,
    }),
  closed: () => new OperatingError('The event log is closed.', { code: 'LOG_CLOSED', retryable: false }),
} as const;
