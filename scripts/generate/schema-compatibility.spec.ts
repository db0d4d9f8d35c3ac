import { describe, expect, test } from '@jest/globals';
import { catalogue, defineEvent, type EventDefinition, type EventInit } from '#events';
import { z } from 'zod';
import { committedSchema } from './event-docs.ts';
import { compatibilityBreaks, type JsonSchema } from './schema-compatibility.ts';

test('today reads everything that any released version of any event could be', () => {
  const breaks: string[] = [];
  let read = 0;
  for (const definition of catalogue as readonly EventDefinition[]) {
    for (let version = 1; version <= definition.version; version++) {
      breaks.push(...compatibilityBreaks(definition, version, committedSchema(definition.type, version)));
      read++;
    }
  }
  expect(breaks).toEqual([]);
  expect(read).toBeGreaterThan(catalogue.length);
});

test('a new version whose schema was not generated says how it is', () => {
  expect(() => committedSchema('stream.created', 99)).toThrow(/^docs\/schemas\/stream\.created\.99\.json cannot be read\. .*"npm run generate"/);
});

const first = z.object({
  name: z.string().min(1).max(100),
  size: z.number().int().min(0).max(1000),
  kind: z.enum(['big', 'small']),
  note: z.string().optional(),
  tags: z.array(z.string()).max(10),
  place: z.object({ x: z.number(), y: z.number() }).nullable(),
});
const sample = { name: 'a', size: 5, kind: 'big', note: 'n', tags: ['t'], place: { x: 1, y: 2 } };
const released = z.toJSONSchema(first, { io: 'input' }) as JsonSchema;

function second(schema: z.ZodType, upcast: (data: Record<string, unknown>) => unknown = (data) => data): EventDefinition {
  const init: EventInit<string, z.ZodType> = {
    type: 'thing.made',
    version: 2,
    context: 'content',
    meaning: 'A thing was made.',
    schema,
    key: () => 'k',
    samples: [sample, sample],
    upcasters: [(data) => upcast(data as Record<string, unknown>)],
  };
  return defineEvent(init) as EventDefinition;
}

describe('a change that breaks', () => {
  test.each<[string, EventDefinition, RegExp]>([
    ['a required field removed', second(first.omit({ size: true })), /data\.size would be lost/],
    ['a required field renamed', second(first.omit({ name: true }).extend({ title: z.string() })), /data\.title/],
    ['an optional field removed', second(first.omit({ note: true })), /data\.note would be lost/],
    ['a new required field, and no upcaster that fills it', second(first.extend({ owner: z.string() })), /data\.owner/],
    ['an optional field that became required', second(first.required({ note: true })), /no data\.note .* data\.note/],
    ['another type', second(first.extend({ size: z.string() })), /data\.size/],
    ['null no longer allowed', second(first.extend({ place: z.object({ x: z.number(), y: z.number() }) })), /data\.place = null/],
    ['a value of a list of values removed', second(first.extend({ kind: z.enum(['big']) })), /data\.kind = "small"/],
    ['a smaller greatest number', second(first.extend({ size: z.number().int().min(0).max(999) })), /data\.size = 1000/],
    ['a greater smallest number', second(first.extend({ size: z.number().int().min(1).max(1000) })), /data\.size = 0/],
    ['whole numbers only, deep inside', second(first.extend({ place: z.object({ x: z.number().int(), y: z.number() }).nullable() })), /data\.place\.x/],
    ['shorter texts', second(first.extend({ name: z.string().min(1).max(99) })), /data\.name of 100 characters/],
    ['shorter lists', second(first.extend({ tags: z.array(z.string()).max(9) })), /data\.tags of 10 items/],
    ['lists that must not be empty', second(first.extend({ tags: z.array(z.string()).min(1).max(10) })), /data\.tags of 0 items/],
    ['an upcaster that stumbles over an optional field', second(first, (data) => ({ ...data, note: (data['note'] as string).trim() })), /upcaster failed/],
  ])('%s is found', (_what, definition, line) => {
    const breaks = compatibilityBreaks(definition, 1, released);
    expect(breaks.join('\n')).toMatch(line);
  });

  test.each<[string, EventDefinition]>([
    ['nothing changed', second(first)],
    ['a new optional field', second(first.extend({ owner: z.string().optional() }))],
    ['a new required field that the upcaster fills', second(first.extend({ owner: z.string() }), (data) => ({ ...data, owner: 'nobody' }))],
    ['a field that the upcaster renames', second(first.omit({ name: true }).extend({ title: z.string() }), ({ name, ...rest }) => ({ ...rest, title: name }))],
    ['wider bounds', second(first.extend({ size: z.number().min(-5), kind: z.enum(['big', 'small', 'tiny']) }))],
  ])('%s does not', (_what, definition) => {
    expect(compatibilityBreaks(definition, 1, released)).toEqual([]);
  });
});
