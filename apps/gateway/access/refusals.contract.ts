import { z } from 'zod';
import { pageCursor, pageLimit, reveal, tenantFilter, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

export const listRefusals = operation({
  id: 'listRefusals',
  tag: 'Access',
  method: 'GET',
  path: '/api/v1/refusals',
  summary: 'List who was refused what, from where and why, the latest first; the log has every `access.refused`',
  scopes: ['admin', 'view'],
  tenancy: 'own',
  context: 'access',
  status: 200,
  query: z.strictObject({
    reason: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,63}$/)
      .optional()
      .describe('Such as `missing-scope`, `wrong-secret`, `rate-limited`.'),
    who: z.string().min(1).max(256).optional().describe('Such as `key:k-3f9a2c` or `anonymous`.'),
    tenant: tenantFilter,
    reveal,
    limit: pageLimit,
    cursor: pageCursor,
  }),
  answer: z.object({
    items: z.array(
      z.object({
        address: z.string().describe('Masked, the same for the same address: see `reveal`. Empty for those together that came after too many others.'),
        who: z.string(),
        operation: z.string(),
        reason: z.string(),
        tenant: z.string().nullable(),
        firstAt: timestamp.nullable(),
        lastAt: timestamp.nullable(),
      }),
    ),
    nextCursor: z.string().nullable(),
  }),
});
