import { eventLogErrors } from './event-log.errors.ts';
import type { KnownProducer, ProducerIdentity } from './event-log.port.ts';

/** What a log remembers of one producer in one topic. */
export interface ProducerState extends KnownProducer {
  /** First sequence of the epoch. */
  readonly first: bigint;
}

export interface Admission {
  /** How many of the records, from the first on, were written before; the rest is new. */
  readonly repeated: number;
  /** The state once the new records are written. */
  readonly state: ProducerState;
}

/**
 * Idempotence and fencing, the same on every engine: a greater epoch starts anew, an older one is refused, sequences
 * have no gaps, and whatever was written before is a repetition. A session that begins has written nothing: an epoch that is
 * known is not its own, unless all that is known of it is that it began at this very sequence.
 * @throws OperatingError `PRODUCER_FENCED`, `SEQUENCE_GAP`
 */
export function admitProducer(known: ProducerState | undefined, producer: ProducerIdentity, count: number): Admission {
  const { epoch, sequence } = producer;
  const end = sequence + BigInt(count);
  if (known === undefined || epoch > known.epoch) return { repeated: 0, state: { epoch, first: sequence, next: end } };
  if (epoch < known.epoch || (producer.begins === true && (known.first !== sequence || known.next !== sequence)))
    throw eventLogErrors.producerFenced(producer.id, epoch, known.epoch);
  if (sequence > known.next || sequence < known.first) throw eventLogErrors.sequenceGap(producer.id, sequence, known.next);
  if (end <= known.next) return { repeated: count, state: known };
  return { repeated: Number(known.next - sequence), state: { ...known, next: end } };
}

/** Where the sequences of a session begin, by which it is told from all others. */
export function firstSequence(): bigint {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (BigInt(high >>> 16) << 32n) | BigInt(low);
}
