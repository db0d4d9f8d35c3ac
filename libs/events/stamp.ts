import { partitionOf } from '#kernel';
import type { EventEnvelope } from './envelope.ts';

const tieBits = 20n;

/**
 * Orders events of several writers for last-writer-wins columns: by the time that they name, and within one millisecond by
 * a hash of their ids, so that every replay agrees. Fits a signed 64-bit number until the year 2109.
 */
export function stampOf(event: Pick<EventEnvelope, 'id' | 'time'>): bigint {
  return (BigInt(event.time) << tieBits) | BigInt(partitionOf(event.id, 1 << Number(tieBits)));
}
