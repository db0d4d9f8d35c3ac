import { signatureOf } from '#adapters/webhook';
import { timingSafeEqual } from 'node:crypto';
import type { z } from 'zod';
import { badRequest } from '../http/problem.errors.ts';

/** What somebody sends who proves by a secret who it is, as it came. */
export interface SignedCall {
  readonly id: string | undefined;
  readonly timestamp: string | undefined;
  readonly signatures: string | undefined;
  readonly body: string;
  readonly correlationId: string;
}

/** Standard Webhooks 1.0: what is older, or from further ahead, is refused, ms. */
const toleranceMs = 300_000;
const idCharsMax = 255;

/** Whether it is of now, and names itself. */
export function isOfNow({ id = '', timestamp = '' }: SignedCall, nowMs: number): boolean {
  const seconds = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) : 0;
  return id !== '' && id.length <= idCharsMax && Math.abs(nowMs - seconds * 1000) <= toleranceMs;
}

export function isSignedBy(secret: Uint8Array, { body, id = '', signatures = '', timestamp = '' }: SignedCall): boolean {
  const expected = Buffer.from(signatureOf({ id, timestamp: Number(timestamp), body }, secret));
  const given = signatures.split(' ', 10).map((signature) => Buffer.from(signature));
  return given.some((signature) => signature.length === expected.length && timingSafeEqual(signature, expected));
}

/** @throws ProblemError 400 that names the first field that is wrong */
export function parsedBody<Schema extends z.ZodType>(schema: Schema, body: string): z.infer<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw badRequest('malformed-body', 'The body is no JSON.', [{ field: 'body', message: 'Expected JSON.' }]);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = ['body', ...(issue?.path ?? [])].join('.');
  throw badRequest('invalid-request', `${field}: ${issue?.message}`, [{ field, message: issue?.message ?? '' }]);
}
