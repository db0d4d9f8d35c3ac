import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { accessRefused } from './access.events.ts';
import { catalogue } from './catalogue.ts';
import type { EventDefinition } from './define.ts';
import { peerSubject } from './data-subjects.ts';
import { defineEvent } from './define.ts';
import { changeAt, personal, personalFields, personalIdentifier, personalPaths, personalTexts } from './personal.ts';
import { maskedRecord } from './masked-record.ts';
import { personalDataViewed } from './review.events.ts';
import { formatErased, formatLocked, formatSealed, parseSealed, readPersonal } from './stand-in.codec.ts';
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
    const field = z.toJSONSchema(z.object({ a: personal(z.string().max(9)) })).properties?.['a'];
    expect(field).toMatchObject({
      'x-personal': true,
      anyOf: [
        { type: 'string', maxLength: 9 },
        { type: 'string', pattern: '^(sealed|erased|locked):' },
      ],
    });
  });

  it('need somebody of whom they tell', () => {
    const init = { type: 'a.b', version: 1, context: 'stream', meaning: '', key: () => 'k', samples: [] } as const;
    expect(() => defineEvent({ ...init, schema: z.object({ a: personal(z.string()) }) })).toThrow('need a dataSubject');
  });

  it('are no part of what outsiders have to say of key and subject', () => {
    for (const definition of catalogue as readonly EventDefinition[]) {
      if (definition.publishers !== 'anyone') continue;
      const sample = definition.samples.at(-1);
      const nameless = personalFields(definition).reduce((data, { path }) => changeAt(data, path, () => 'person:x'), sample);
      expect([definition.key(nameless), definition.subject(nameless)]).toEqual([definition.key(sample), definition.subject(sample)]);
    }
  });

  it('are found and changed in place, and nothing else', () => {
    const schema = z.object({ seen: z.array(z.object({ at: z.number(), by: personal(z.string()).optional() })), who: personalIdentifier(z.string()) });
    const data = { seen: [{ at: 1, by: 'a' }, { at: 2 }], who: 'b', more: 1 };
    expect(personalTexts({ schema }, data)).toEqual([
      { place: '/seen/0/by', text: 'a' },
      { place: '/who', text: 'b' },
    ]);
    expect(changeAt(data, ['seen', '*', 'by'], (text, place) => `${text}@${place}`)).toEqual({ ...data, seen: [{ at: 1, by: 'a@/seen/0/by' }, { at: 2 }] });
    expect(personalFields({ schema }).map(({ identifies }) => identifies)).toEqual([false, true]);
  });
});

describe('what stands in the place of a personal value', () => {
  const keyId = 'k7Qm2Zx0Rt4Yb8Nc1Vd5Ww';
  const sealed = { keyId, place: '*', body: 'a'.repeat(44) };

  it('is told from a value', () => {
    expect(parseSealed(formatSealed(sealed))).toEqual(sealed);
    expect(readPersonal(formatSealed(sealed))).toEqual({ is: 'locked', keyId });
    expect(readPersonal(formatErased(keyId, 1_790_000_000_123))).toEqual({ is: 'erased', keyId, at: '2026-09-21T14:13:20.123Z' });
    expect(readPersonal(formatLocked(keyId))).toEqual({ is: 'locked', keyId });
  });

  it.each(['192.0.2.7', '', 'sealed', 'sealed:v1:short:*:x', 'erased:yesterday', `locked:${keyId}x`, `sealed:v2:${keyId}:*:${'a'.repeat(44)}`])(
    '%j is a value',
    (text) => {
      expect(readPersonal(text)).toEqual({ is: 'clear', text });
      expect(parseSealed(text)).toBeUndefined();
    },
  );
});

it.each([
  ['192.0.2.7:50000', 'address:192.0.2.7'],
  ['::ffff:192.0.2.7:1', 'address:192.0.2.7'],
  ['[2001:DB8::1]:1', 'address:2001:db8::1'],
  ['2001:db8::1:50000', 'address:2001:db8::1'],
  [':1', undefined],
])('the peer %s tells of %s', (peer, subject) => {
  expect(peerSubject(peer)).toBe(subject);
});

describe('what an older version had in clear', () => {
  const value = JSON.stringify({ operation: 'searchEvents', query: '{"where":"data.viewer == \\"ada\\""}', eventIds: [], count: 0, reason: 'why' });
  const headers = { ce_type: personalDataViewed.type, ce_actor: 'jwt:eve', ce_subject: 'personal-data', ce_dataschema: 'urn:streams:personal-data.viewed:1' };

  it('is masked where the record is shown, and gone where it is read as of today', () => {
    const shown = maskedRecord({ key: 'personal-data', headers, value });
    expect([JSON.parse(shown.value), shown.headers['ce_actor']]).toMatchObject([{ query: '***', reason: 'why' }, 'jwt:***']);
    expect(personalDataViewed.upcasters[0]?.(JSON.parse(value))).toMatchObject({ query: 'events by filters', reason: 'why' });
    expect(personalDataViewed.upcasters[0]?.({ query: 'refusal by time' })).toEqual({ query: 'refusal by time' });
  });

  it('is not looked for in the version of today', () => {
    const today = value.replace(/"\{.*?\}"/, '"events by where"');
    const record = { key: 'personal-data', headers: { ...headers, ce_dataschema: headers.ce_dataschema.replace(/1$/, '2') }, value: today };
    expect(maskedRecord(record).value).toBe(today);
  });
});
