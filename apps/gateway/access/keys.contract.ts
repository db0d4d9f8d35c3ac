import { overlapMsMax, ratePerMinuteMax } from '#domain/access';
import { contexts, scopes } from '#events';
import { z } from 'zod';
import { operation } from '../http/operation.ts';
import { keyId, lineOfText, tenantId, timestamp } from '../http/fields.ts';

const reason = lineOfText.max(200).default('').describe('Why, for the record.');

const grant = {
  tenant: z.string().describe('Whose things the key may touch; `*` for every tenant.'),
  scopes: z.array(z.enum(scopes)),
  contexts: z.array(z.enum(contexts)).nullable().describe('Event contexts that it may publish to and view; null for all.'),
  ratePerMinute: z.number().nullable().describe('Calls per minute; null for what the platform grants.'),
  expiresAt: timestamp.nullable(),
};

const apiKey = z.object({
  id: z.string(),
  name: z.string(),
  ...grant,
  issuedAt: timestamp.nullable(),
  issuedBy: z.string().nullable(),
  rotatedAt: timestamp.nullable(),
  revokedAt: timestamp.nullable(),
});

export const issueKey = operation({
  id: 'issueKey',
  tag: 'Access',
  method: 'POST',
  path: '/api/v1/keys',
  summary: 'Issue an API key; the answer is the only time it is shown',
  scopes: ['admin'],
  tenancy: 'own',
  context: 'access',
  status: 201,
  body: z.strictObject({
    name: lineOfText.min(1).max(200),
    scopes: z.array(z.enum(scopes)).min(1).max(scopes.length),
    tenant: z
      .union([tenantId, z.literal('*')])
      .optional()
      .describe('Yours when left out. Others, and `*`, are for admins of the platform.'),
    contexts: z.array(z.enum(contexts)).min(1).max(contexts.length).optional().describe('Event contexts; all of yours when left out.'),
    ratePerMinute: z.number().int().min(1).max(ratePerMinuteMax).optional().describe('Calls per minute; what the platform grants when left out.'),
    ttlSeconds: z.number().int().min(1).max(315_360_000).optional().describe('Seconds until it expires; never when left out.'),
  }),
  answer: z.object({ id: z.string(), name: z.string(), ...grant, key: z.string() }),
});

export const listKeys = operation({
  id: 'listKeys',
  tag: 'Access',
  method: 'GET',
  path: '/api/v1/keys',
  summary: 'List API keys, newest first; without their secrets',
  scopes: ['admin'],
  tenancy: 'own',
  context: 'access',
  status: 200,
  query: z.strictObject({
    tenant: z
      .union([tenantId, z.literal('*')])
      .optional()
      .describe('Only keys of this tenant.'),
    limit: z.coerce.number().int().min(1).max(1000).default(100),
  }),
  answer: z.object({ items: z.array(apiKey) }),
});

export const rotateKey = operation({
  id: 'rotateKey',
  tag: 'Access',
  method: 'POST',
  path: '/api/v1/keys/:id/rotate',
  summary: 'Give an API key a new secret; the answer is the only time it is shown',
  scopes: ['admin'],
  tenancy: 'own',
  context: 'access',
  status: 200,
  params: z.strictObject({ id: keyId }),
  body: z.strictObject({
    overlapSeconds: z
      .number()
      .int()
      .min(0)
      .max(overlapMsMax / 1000)
      .default(0)
      .describe('How long the secret before goes on working.'),
    reason,
  }),
  answer: z.object({ id: z.string(), key: z.string(), previousUntil: timestamp.nullable() }),
});

export const revokeKey = operation({
  id: 'revokeKey',
  tag: 'Access',
  method: 'DELETE',
  path: '/api/v1/keys/:id',
  summary: 'Revoke an API key; it ends everywhere within five seconds',
  scopes: ['admin'],
  tenancy: 'own',
  context: 'access',
  status: 204,
  params: z.strictObject({ id: keyId }),
  query: z.strictObject({ reason: lineOfText.max(200).optional().describe('Why, for the record.') }),
});

export const createTenant = operation({
  id: 'createTenant',
  tag: 'Access',
  method: 'POST',
  path: '/api/v1/tenants',
  summary: 'Create a tenant: a circle of keys, streams and events that other tenants cannot see',
  scopes: ['admin'],
  tenancy: 'all',
  context: 'access',
  status: 201,
  body: z.strictObject({ id: tenantId, name: lineOfText.min(1).max(200) }),
  answer: z.object({ id: z.string(), name: z.string() }),
});

export const suspendTenant = operation({
  id: 'suspendTenant',
  tag: 'Access',
  method: 'POST',
  path: '/api/v1/tenants/:id/suspend',
  summary: 'Suspend a tenant: within five seconds its keys and tokens open nothing, its open streams end, its publishers are cut off',
  scopes: ['admin'],
  tenancy: 'all',
  context: 'access',
  status: 200,
  params: z.strictObject({ id: tenantId }),
  body: z.strictObject({ reason }),
  answer: z.object({ id: z.string(), status: z.literal('suspended') }),
});

export const resumeTenant = operation({
  id: 'resumeTenant',
  tag: 'Access',
  method: 'POST',
  path: '/api/v1/tenants/:id/resume',
  summary: 'Let a suspended tenant go on',
  scopes: ['admin'],
  tenancy: 'all',
  context: 'access',
  status: 200,
  params: z.strictObject({ id: tenantId }),
  body: z.strictObject({ reason }).default({ reason: '' }),
  answer: z.object({ id: z.string(), status: z.literal('active') }),
});

export const listTenants = operation({
  id: 'listTenants',
  tag: 'Access',
  method: 'GET',
  path: '/api/v1/tenants',
  summary: 'List tenants by name',
  scopes: ['admin'],
  tenancy: 'all',
  context: 'access',
  status: 200,
  query: z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(100), after: tenantId.optional().describe('Last id of the page before.') }),
  answer: z.object({
    items: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        createdAt: timestamp.nullable(),
        createdBy: z.string().nullable(),
        status: z.enum(['active', 'suspended']),
        statusReason: z.string().nullable(),
        statusAt: timestamp.nullable(),
      }),
    ),
  }),
});
