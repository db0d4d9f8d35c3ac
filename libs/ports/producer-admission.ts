import { eventLogErrors } from './event-log.errors.ts';
import type { ProducerIdentity } from './event-log.port.ts';

/** What a log remembers of one producer in one topic. */
export interface ProducerState {
  readonly epoch: bigint;
  /** First sequence of the epoch … */
  readonly first: bigint;
  /** … and the one that is due. */
  readonly next: bigint;
}

export interface Admission {
  /** How many of the records, from the first on, were written before; the rest is new. */
  readonly repeated: number;
  /** The state once the new records are written. */
  readonly state: ProducerState;
}

/**
 * Idempotence and fencing, the same on every engine: a greater epoch starts anew, an older one is refused, sequences
 * have no gaps, and whatever was written before is a repetition.
 * @throws OperatingError `PRODUCER_FENCED`, `SEQUENCE_GAP`
 */
export function admitProducer(known: ProducerState | undefined, producer: ProducerIdentity, count: number): Admission {
  const { epoch, sequence } = producer;
  const end = sequence + BigInt(count);
  if (known === undefined || epoch > known.epoch) return { repeated: 0, state: { epoch, first: sequence, next: end } };
  if (epoch < known.epoch) throw eventLogErrors.producerFenced(producer.id, epoch, known.epoch);
  if (sequence > known.next || sequence < known.first) throw eventLogErrors.sequenceGap(producer.id, sequence, known.next);
  if (end <= known.next) return { repeated: count, state: known };
  return { repeated: Number(known.next - sequence), state: { ...known, next: end } };
}
