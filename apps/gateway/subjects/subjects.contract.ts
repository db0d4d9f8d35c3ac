import { isIP } from 'node:net';
import { z } from 'zod';
import { lineOfText, reasonOf, tenantFilter, timestamp } from '../http/fields.ts';
import { operation } from '../http/operation.ts';
import { isNamedIn } from './named-in-text.ts';

/** What looks like an IP address and is none was never stored as one. Other names behind `address:` may have been: proxies send them. */
function isNoBrokenAddress(subject: string): boolean {
  const address = /^address:([\d.]+|[\da-f]*:[\da-f:]*)$/i.exec(subject)?.[1];
  return address === undefined || isIP(address) !== 0;
}

/** In the body, never in the path: what is in a URL is in the logs of everything on the way. */
const subject = lineOfText
  .min(3)
  .max(300)
  .regex(/^[a-z]+:.+$/, 'Expected a kind and a name, such as viewer:v-4711 or address:192.0.2.7.')
  .refine(isNoBrokenAddress, 'Expected an address such as address:192.0.2.7 or address:2001:db8::7.')
  .describe('Whom the data tells of: `viewer:<id>` or `address:<address>`.');
const reason = reasonOf(1000).describe('Why; it goes on record, so it must not say who it was.');
const asked = z.strictObject({ subject, reason, tenant: tenantFilter }).refine((body) => !isNamedIn(body.reason, body.subject), {
  path: ['reason'],
  message: 'It names whom it is about, and stays in clear on record for ever: say why without the name, such as by the number of a ticket.',
});

const common = { tag: 'Personal data', scopes: ['admin'], tenancy: 'own', context: 'access' } as const;

export const eraseSubject = operation({
  ...common,
  id: 'eraseSubject',
  method: 'POST',
  path: '/api/v1/subjects/erase',
  summary:
    'Erase the personal data of a subject for good, by destroying its keys: within five seconds nobody can read what this region has written of it; other regions follow by REGION_SECRET',
  status: 200,
  body: asked,
  answer: z.object({
    subject: z.string().describe('What stands for the subject in events: a keyed hash.'),
    keys: z.array(z.object({ keyId: z.string(), tenant: z.string(), erasedAt: timestamp })),
    alreadyErased: z.boolean().describe('True when nothing was left to erase in this region.'),
    elsewhere: z
      .enum(['none', 'told', 'not-told'])
      .describe(
        'Other regions: `none` is mirrored into this one; `told`: each destroys its own keys once it hears of this, and puts it on record; `not-told`: they keep theirs, for without REGION_SECRET they cannot know who is meant.',
      ),
  }),
});

export const exportSubject = operation({
  ...common,
  id: 'exportSubject',
  method: 'POST',
  path: '/api/v1/subjects/export',
  summary: 'Give all that is stored of a subject: every event and every row that holds its personal data, in clear; the export is itself an event',
  status: 200,
  body: asked,
  answer: z.object({
    subject: z.string(),
    exportedAt: timestamp,
    keys: z.array(z.object({ keyId: z.string(), tenant: z.string(), createdAt: timestamp, erasedAt: timestamp.nullable() })),
    events: z.array(z.record(z.string(), z.unknown())).describe('CloudEvents in their JSON format.'),
    rows: z.array(z.object({ table: z.string(), row: z.record(z.string(), z.unknown()) })),
  }),
});

export const showSubjectKeys = operation({
  ...common,
  tenancy: 'platform',
  id: 'showSubjectKeys',
  method: 'GET',
  path: '/api/v1/subjects/keys',
  summary: 'Count the keys of personal data, say which master key wraps them, and which erasures of other regions wait',
  status: 200,
  answer: z.object({
    live: z.number(),
    erased: z.number(),
    byMasterKey: z.record(z.string(), z.number()),
    masterKey: z.string().describe('The one that wraps now.'),
    unnamed: z
      .number()
      .describe('Live keys of a version before this one, which erasures of other regions do not find until somebody writes of their subjects.'),
    kept: z
      .array(
        z.object({
          region: z.string().describe('As this one calls it.'),
          count: z.number(),
          oldestAt: timestamp.describe('When the first of them was heard of.'),
          why: z
            .enum(['another-secret', 'no-secret', 'locked'])
            .describe(
              '`another-secret`: its REGION_SECRET is another than ours; `no-secret`: ours is not set; `locked`: the projector cannot unwrap our own keys, or has another REGION_SECRET than the gateway.',
            ),
        }),
      )
      .describe('Erasures of other regions that cannot be done here yet; each is done once it can be.'),
  }),
});

export const giveUpMasterKey = operation({
  ...common,
  tenancy: 'platform',
  id: 'giveUpMasterKey',
  method: 'POST',
  path: '/api/v1/subjects/keys/give-up',
  summary:
    'Destroy all keys of personal data that a lost master key wraps: what was encrypted under them counts as erased, for good, and people are written of again under new ones',
  status: 200,
  body: z.strictObject({ masterKey: lineOfText.min(1).max(256).describe('The one that is lost, as the count of keys names it.'), reason }),
  answer: z.object({ masterKey: z.string().describe('The one that wraps now.'), destroyed: z.number() }),
});

export const rotateMasterKey = operation({
  ...common,
  tenancy: 'platform',
  id: 'rotateMasterKey',
  method: 'POST',
  path: '/api/v1/subjects/keys/rotate',
  summary: 'Put all keys of personal data under a new master key and destroy the one before: wrapped keys in old backups are dead from then on',
  status: 200,
  body: z.strictObject({ reason }),
  answer: z.object({ masterKey: z.string(), rewrapped: z.number() }),
});
