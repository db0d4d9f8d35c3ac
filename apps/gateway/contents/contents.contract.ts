import { z } from 'zod';
import { eventId, pageLimit, tenantFilter, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

const content = z.object({
  id: z.string(),
  tenant: z.string(),
  status: z.enum(['published', 'withdrawn', 'unpublished']).describe('unpublished: only changes of it were told so far.'),
  statusReason: z.string().nullable(),
  url: z.string().nullable(),
  contentType: z.string().nullable(),
  sizeBytes: z.number().nullable(),
  etag: z.string().nullable(),
  title: z.string().nullable(),
  tags: z.array(z.string()),
  publishedBy: z.string().nullable(),
  firstPublishedAt: timestamp.nullable(),
  changedAt: timestamp.nullable(),
});

export const listContents = operation({
  id: 'listContents',
  tag: 'Content',
  method: 'GET',
  path: '/api/v1/contents',
  summary: 'List content that was published by events, by its id',
  scopes: ['view', 'operate'],
  tenancy: 'own',
  context: 'content',
  status: 200,
  query: z.strictObject({
    status: z.enum(['published', 'withdrawn']).optional(),
    tenant: tenantFilter.describe('Whose content; yours when left out. What you cannot see is not there.'),
    limit: pageLimit,
    after: eventId.optional().describe('`nextAfter` of the page before.'),
  }),
  answer: z.object({ items: z.array(content), nextAfter: z.string().nullable() }),
});

export const showContent = operation({
  id: 'showContent',
  tag: 'Content',
  method: 'GET',
  path: '/api/v1/contents/:id',
  summary: 'Show published content',
  scopes: ['view', 'operate'],
  tenancy: 'own',
  context: 'content',
  status: 200,
  params: z.strictObject({ id: eventId }),
  query: z.strictObject({ tenant: tenantFilter.describe('Whose content; yours when left out. What you cannot see is not there.') }),
  answer: content,
});
