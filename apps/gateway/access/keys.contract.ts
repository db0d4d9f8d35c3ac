import { scopes } from '#events';
import { z } from 'zod';
import { operation } from '../http/operation.ts';
import { lineOfText, keyId, timestamp } from '../http/fields.ts';

const apiKey = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.enum(scopes)),
  issuedAt: timestamp.nullable(),
  expiresAt: timestamp.nullable(),
  revokedAt: timestamp.nullable(),
});

export const issueKey = operation({
  id: 'issueKey',
  tag: 'Keys',
  method: 'POST',
  path: '/api/v1/keys',
  summary: 'Issue an API key; the answer is the only time it is shown',
  scopes: ['admin'],
  status: 201,
  body: z.strictObject({
    name: lineOfText.min(1).max(200),
    scopes: z.array(z.enum(scopes)).min(1).max(scopes.length),
    ttlSeconds: z.number().int().min(1).max(315_360_000).optional().describe('Seconds until it expires; never when left out.'),
  }),
  answer: z.object({ id: z.string(), name: z.string(), scopes: z.array(z.enum(scopes)), expiresAt: timestamp.nullable(), key: z.string() }),
});

export const listKeys = operation({
  id: 'listKeys',
  tag: 'Keys',
  method: 'GET',
  path: '/api/v1/keys',
  summary: 'List API keys, newest first; without their secrets',
  scopes: ['admin'],
  status: 200,
  query: z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(100) }),
  answer: z.object({ items: z.array(apiKey) }),
});

export const revokeKey = operation({
  id: 'revokeKey',
  tag: 'Keys',
  method: 'DELETE',
  path: '/api/v1/keys/:id',
  summary: 'Revoke an API key; it ends everywhere within five seconds',
  scopes: ['admin'],
  status: 204,
  params: z.strictObject({ id: keyId }),
});
