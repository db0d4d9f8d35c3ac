import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { accessRefused } from './access.events.ts';
import { personal, personalPaths } from './personal.ts';
import { streamCreated, streamPublishRejected } from './stream.events.ts';

describe('personal fields', () => {
  it('are listed as the catalogue marks them, and an event without any has none', () => {
    expect(personalPaths(streamPublishRejected)).toEqual([['remoteAddress']]);
    expect(personalPaths(accessRefused)).toEqual([['address']]);
    expect(personalPaths(streamCreated)).toEqual([]);
  });

  it('are found behind optional fields, in nested objects, arrays and unions, each once', () => {
    const name = z.string();
    const schema = z.object({
      plain: name,
      viewer: z.object({ name: personal(name), note: name }).optional(),
      seen: z.array(z.object({ at: z.number(), address: personal(name).optional() })),
      who: z.union([z.object({ email: personal(name) }), z.object({ email: personal(name), phone: personal(name) }), z.null()]),
    });
    expect(personalPaths({ schema })).toEqual([
      ['viewer', 'name'],
      ['seen', '*', 'address'],
      ['who', 'email'],
      ['who', 'phone'],
    ]);
  });

  it('mark the field where it stands, not the type that it shares', () => {
    const shared = z.string();
    expect(personalPaths({ schema: z.object({ a: personal(shared), b: shared }) })).toEqual([['a']]);
  });

  it('are told in the JSON Schema', () => {
    expect(z.toJSONSchema(z.object({ a: personal(z.string()) })).properties?.['a']).toEqual({ type: 'string', 'x-personal': true });
  });
});
