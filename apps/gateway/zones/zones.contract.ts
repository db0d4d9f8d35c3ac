import { zoneConfigurationSchema } from '#events';
import { z } from 'zod';
import { lineOfText, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

export const zoneName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'Expected a name such as shop: a-z, 0-9 and "-".')
  .describe('Unique within the tenant');
const params = z.strictObject({ name: zoneName });
const common = { tag: 'CDN', tenancy: 'own', context: 'zone' } as const;
const versionNumber = z.number().int().positive();
const headers = {
  'If-Match': 'The `etag` of the version that this changes: a zone that has another by now stays as it is (412).',
  'If-None-Match': '`*`: only if there is no such zone yet.',
};
const reason = lineOfText.max(200).default('').describe('Why, for the record.');

const zone = z.object({
  id: z.string(),
  name: z.string(),
  tenant: z.string(),
  version: versionNumber,
  etag: z.string().describe('For If-Match'),
  epoch: versionNumber.describe('The version with which what edges had cached of it was forgotten.'),
  shieldUrl: z.string().nullable(),
  configuration: zoneConfigurationSchema,
});

const zoneVersion = z.object({
  version: versionNumber,
  at: timestamp.nullable(),
  by: z.string(),
  reason: z.string(),
  rolledBackTo: z.number().nullable(),
  removed: z.boolean(),
});

export const listZones = operation({
  ...common,
  id: 'listZones',
  method: 'GET',
  path: '/api/v1/cdn/zones',
  summary: 'List the sites that edges serve, by name',
  scopes: ['view', 'operate'],
  status: 200,
  answer: z.object({ items: z.array(zone) }),
});

export const showZone = operation({
  ...common,
  id: 'showZone',
  method: 'GET',
  path: '/api/v1/cdn/zones/:name',
  summary: 'Show how a site is served',
  scopes: ['view', 'operate'],
  status: 200,
  params,
  answer: zone,
});

export const configureZone = operation({
  ...common,
  id: 'configureZone',
  method: 'PUT',
  path: '/api/v1/cdn/zones/:name',
  summary: 'Put a site behind the edges, or change how it is served; every edge follows without a restart',
  scopes: ['operate'],
  status: 200,
  headers,
  params,
  body: zoneConfigurationSchema.extend({ reason }),
  answer: zone,
});

export const removeZone = operation({
  ...common,
  id: 'removeZone',
  method: 'DELETE',
  path: '/api/v1/cdn/zones/:name',
  summary: 'Take a site from the edges; its versions stay, and can be brought back',
  scopes: ['operate'],
  status: 204,
  headers: { 'If-Match': headers['If-Match'] },
  params,
  query: z.strictObject({ reason }),
});

export const listZoneVersions = operation({
  ...common,
  id: 'listZoneVersions',
  method: 'GET',
  path: '/api/v1/cdn/zones/:name/versions',
  summary: 'List the versions of a zone, the newest first',
  scopes: ['view', 'operate'],
  status: 200,
  params,
  answer: z.object({ items: z.array(zoneVersion) }),
});

export const showZoneVersion = operation({
  ...common,
  id: 'showZoneVersion',
  method: 'GET',
  path: '/api/v1/cdn/zones/:name/versions/:version',
  summary: 'Show a version of a zone with its configuration',
  scopes: ['view', 'operate'],
  status: 200,
  params: z.strictObject({ name: zoneName, version: z.coerce.number().int().positive() }),
  answer: zoneVersion.extend({ configuration: zoneConfigurationSchema.nullable() }),
});

export const rollBackZone = operation({
  ...common,
  id: 'rollBackZone',
  method: 'POST',
  path: '/api/v1/cdn/zones/:name/rollback',
  summary: 'Serve a site as an earlier version said, also one that was removed since',
  scopes: ['operate'],
  status: 200,
  headers: { 'If-Match': headers['If-Match'] },
  params,
  body: z.strictObject({ version: versionNumber, reason }),
  answer: zone,
});

export const renewZoneHook = operation({
  ...common,
  id: 'renewZoneHook',
  method: 'POST',
  path: '/api/v1/cdn/zones/:name/hook',
  summary: 'Give a zone a secret with which its origins say what changed, in place of the one before; shown this once',
  scopes: ['operate'],
  status: 200,
  params,
  answer: z.object({
    path: z
      .string()
      .describe(
        'Where origins POST `{"urls": [], "tags": [], "all": false, "mode": "hard"}`, signed as Standard Webhooks. It is a purge like any other; the same `webhook-id` is the same purge.',
      ),
    secret: z.string().describe('`whsec_` and base64.'),
  }),
});
