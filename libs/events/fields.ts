import { z } from 'zod';

/** Field types that several events share. */
export const id = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]*$/);
export const millis = z.number().int().nonnegative();
export const bytes = z.number().int().nonnegative();
export const count = z.number().int().nonnegative();
export const cid = z.string().min(10).max(128);
/** Text that every engine can hold: PostgreSQL has no U+0000, and a read model must not stumble over one. */
// oxlint-disable-next-line no-control-regex -- a control character is what it looks for
export const withoutNul = /^[^\u0000]*$/;
export const text = z.string().max(1024).regex(withoutNul);
export const epoch = z.number().int().nonnegative();

/** Upcaster to the version in which whoever did it can say why: before, nobody could. */
export const withoutReason = (data: unknown): unknown => ({ ...(data as object), reason: '' });
