import { purgePolicies } from '#events';
import { z } from 'zod';
import { lineOfText } from '../http/fields.ts';
import { operation } from '../http/operation.ts';

const common = { tag: 'CDN', tenancy: 'own', context: 'zone', path: '/api/v1/cdn/purge-policy', status: 200 } as const;
const policy = z
  .enum([...purgePolicies, 'default'])
  .describe(
    'What an edge does while it is out of touch with the log and cannot know what was purged: `serve` what it has by its own lifetime, marked in Cache-Status; `revalidate` it with the origin; `refuse` with 503; `default` is what each edge is set to (EDGE_IN_DOUBT).',
  );
const answer = z.object({ policy });

export const showPurgePolicy = operation({
  ...common,
  id: 'showPurgePolicy',
  method: 'GET',
  summary: 'Show what edges do while they cannot know what was purged',
  scopes: ['view', 'operate'],
  answer,
});

export const setPurgePolicy = operation({
  ...common,
  id: 'setPurgePolicy',
  method: 'PUT',
  summary: 'Say what edges do with what is yours while they cannot know what was purged',
  scopes: ['operate'],
  body: z.strictObject({ policy, reason: lineOfText.max(200).default('').describe('Why, for the record.') }),
  answer,
});
