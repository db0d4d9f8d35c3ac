import { catalogue, type EventDefinition } from '#events';
import { intakeLimits } from '#runtime';
import { z } from 'zod';
import { operation } from '../http/operation.ts';
import { cloudEventTypes } from './cloud-event-body.codec.ts';

const openTypes = (catalogue as readonly EventDefinition[]).filter(({ publishers }) => publishers === 'anyone').map(({ type }) => type);

const event = z
  .looseObject({
    specversion: z.literal('1.0'),
    id: z
      .string()
      .describe(
        'Of the publisher’s choice, a UUIDv7 at best: the same id with the same content is one event, however often it is sent. Unique within the tenant, whatever the source.',
      ),
    source: z.string().describe('A URI reference that names the publisher.'),
    type: z.enum(openTypes),
    time: z.iso.datetime({ offset: true }).optional().describe('When it happened; now when left out.'),
    dataschema: z.string().optional().describe('urn:streams:event:<type>:<version>; the newest version when left out.'),
    data: z.record(z.string(), z.unknown()),
  })
  .describe('CloudEvents 1.0 JSON; docs/schemas describes the data of each type.');

export const publishEvents = operation({
  id: 'publishEvents',
  tag: 'Events',
  method: 'POST',
  path: '/api/v1/events',
  summary: `Publish events, one or up to ${intakeLimits.eventsMax} in ${intakeLimits.bytesMax / 1_048_576} MiB: all of a request or none`,
  scopes: ['publish'],
  tenancy: 'own',
  status: 200,
  headers: { 'ce-type': 'Binary mode: attributes as `ce-` headers, the data as the body.' },
  request: { types: [...cloudEventTypes, 'application/json'], schema: z.union([event, z.array(event).max(intakeLimits.eventsMax)]) },
  answer: z.object({
    events: z.array(
      z.object({
        id: z.string(),
        topic: z.string(),
        partition: z.number(),
        offset: z.string(),
        duplicate: z.boolean().describe('It was there already: published before, and not again now.'),
      }),
    ),
  }),
});
