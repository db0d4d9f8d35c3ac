import { contexts, topicPartitions, type Context } from '#events';
import type { IndexPlace } from '#ports';
import { badRequest } from '../http/problem.errors.ts';

/** `recordedAt/topic/partition/offset`. It grants nothing: what is shown from there on is what the caller may see. */
const shape = /^(\d{1,15})\/([a-z]{1,32})\/(\d{1,3})\/(\d{1,19})$/;

export function formatCursor({ recordedAt, topic, partition, offset }: IndexPlace): string {
  return Buffer.from(`${recordedAt}/${topic}/${partition}/${offset}`).toString('base64url');
}

/** @throws ProblemError 400 for what is no cursor. */
export function parseCursor(text: string, field = 'query.cursor'): IndexPlace {
  const [, recordedAt, topic, partition, offset] = shape.exec(Buffer.from(text, 'base64url').toString('latin1')) ?? [];
  const place = { recordedAt: Number(recordedAt), topic: topic as Context, partition: Number(partition), offset: BigInt(offset ?? 0) };
  if (recordedAt !== undefined && contexts.includes(place.topic) && place.partition < topicPartitions && place.offset < 2n ** 63n) return place;
  const message = 'This is not a cursor of a page before.';
  throw badRequest('invalid-request', `${field}: ${message}`, [{ field, message }]);
}
