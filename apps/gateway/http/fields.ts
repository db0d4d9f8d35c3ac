import { isTenantId } from '#domain/access';
import { isStreamId } from '#domain/stream';
import { reasonRule, reasonSignsMin, saysWhy } from '#kernel';
import { z } from 'zod';

/** One line of text for people: no control characters, which would break logs, tables and engines. */
export const lineOfText = z
  .string()
  .trim()
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'Expected text without control characters.');

/** Why somebody does what needs a reason: it stays on record. */
export function reasonOf(lettersMax: number) {
  return lineOfText.min(reasonSignsMin, { error: reasonRule, abort: true }).max(lettersMax).refine(saysWhy, reasonRule);
}

/** Fields that several operations share. */
export const timestamp = z.iso.datetime().describe('RFC 3339, UTC');
export const eventId = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]*$/, 'Expected letters, digits and "_.:-".');
export const streamId = z.string().refine(isStreamId, 'Expected a stream id such as st-7f3k2m9qabcd.').describe('A stream id');
export const keyId = z.string().regex(/^k-[a-z0-9]{4,32}$/, 'Expected a key id such as k-3f9a2c.');
export const tenantId = z.string().refine(isTenantId, 'Expected a tenant id such as acme: a-z, 0-9 and "-".').describe('A tenant id');
export const warmId = z.string().regex(/^wm-[a-z2-7]{8,26}$/, 'Expected the id of a warming such as wm-7f3k2m9q.');
export const purgeId = z.string().regex(/^pg-[a-z2-7]{8,26}$/, 'Expected a purge id such as pg-7f3k2m9q.');

export function isoTime(ms: number | bigint | null | undefined): string | null {
  return ms === null || ms === undefined ? null : new Date(Number(ms)).toISOString();
}

export const pageLimit = z.coerce.number().int().min(1).max(1000).default(100);
export const pageCursor = z.string().min(1).max(256).optional().describe('`nextCursor` of the page before, with the same filter.');
export const asOf = z
  .string()
  .min(1)
  .max(4096)
  .optional()
  .describe('As it stood then: a time (RFC 3339; everything that the log had recorded by then), or the token of a live reader.');
export const tenantFilter = tenantId.optional().describe('Only of this tenant; what you cannot see is not there.');
export const reveal = reasonOf(1000)
  .optional()
  .describe('Show what is personal, for this reason: needs the scope `admin`, and each time is on record as `personal-data.viewed`.');
