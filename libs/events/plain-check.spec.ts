import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { catalogue } from './catalogue.ts';
import { plainCheckOf } from './plain-check.ts';

const definitions = catalogue.map(({ type, schema, samples }) => ({ type, schema: schema as z.ZodType, sample: samples.at(-1) as unknown }));

/** Values at the edges of what schemas ask. */
const odd = fc.constantFrom<unknown>(
  ...[null, undefined, '', 'a', 'a'.repeat(129), 'a'.repeat(1025), '-x', 'with\u0000nul', '\ud800', 'video', 'a'.repeat(64)],
  ...[0, -0, 1, -1, 0.5, 16, 4321, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, true, false, [], {}, [[]], [1], { a: 1 }],
);

type Path = ReadonlyArray<string | number>;

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, Array.isArray(value) ? Number(key) : key]))];
}

/** The value with what stands at `path` replaced, removed, joined by a stranger, or its keys turned round. */
function edited(value: unknown, [key, ...rest]: Path, edit: 'replace' | 'remove' | 'add' | 'turn', by: unknown): unknown {
  const isContainer = typeof value === 'object' && value !== null;
  if (key === undefined || !isContainer) {
    if (edit === 'replace' || !isContainer) return by;
    if (edit === 'add') return Array.isArray(value) ? [...value, by] : { ...value, stranger: by };
    return Array.isArray(value) ? value.toReversed() : Object.fromEntries(Object.entries(value).toReversed());
  }
  const entries = Object.entries(value).flatMap(([name, inner]) => {
    if (name !== String(key)) return [[name, inner] as const];
    return edit === 'remove' && rest.length === 0 ? [] : [[name, edited(inner, rest, edit, by)] as const];
  });
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}

describe('the plain check', () => {
  // Of an address with a number for a host the schema judges.
  test.each(definitions.filter(({ type }) => type !== 'edge.registered'))('takes the sample of $type', ({ schema, sample }) => {
    expect(plainCheckOf(schema)?.(sample)).toBe(true);
  });

  test.each(definitions)('says yes to $type only where the schema does, and changes nothing', ({ schema, sample }) => {
    const check = plainCheckOf(schema);
    const edit = fc.tuple(fc.constantFrom(...pathsOf(sample)), fc.constantFrom('replace' as const, 'remove' as const, 'add' as const, 'turn' as const), odd);
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        const data = edits.reduce<unknown>((value, [path, how, by]) => edited(value, path, how, by), sample);
        if (check?.(data) !== true) return;
        const parsed = schema.safeParse(data);
        expect(parsed.success).toBe(true);
        expect(JSON.stringify(parsed.data)).toBe(JSON.stringify(data));
      }),
      { numRuns: 200 },
    );
  });

  test('says yes to a web address only where the schema does', () => {
    const web = z.url({ protocol: /^https?$/ });
    const part = fc.constantFrom(
      'http://',
      'https://',
      'ftp://',
      'a',
      'xn--a',
      'b-',
      '-',
      '--',
      '.',
      '1',
      '0x1',
      ':80',
      ':99999',
      ':',
      '@',
      '/',
      '%',
      '%zz',
      '?',
      '#',
      '[',
      ' ',
      '\n',
      'é',
      '\\',
      '"',
      '<',
    );
    const text = fc
      .oneof(
        fc.array(part, { maxLength: 8 }),
        fc.array(part, { maxLength: 6 }).map((parts) => ['https://a', ...parts]),
      )
      .map((parts) => parts.join(''));
    let yes = 0;
    fc.assert(
      fc.property(text, (url) => {
        if (plainCheckOf(web)?.(url) !== true) return;
        yes++;
        expect(web.safeParse(url)).toEqual({ success: true, data: url });
      }),
      { numRuns: 2_000 },
    );
    expect(yes).toBeGreaterThan(50);
  });

  const optional = z.object({ a: z.string().optional(), b: z.number(), c: z.array(z.boolean()).min(1).nullable().optional() });
  test.each([
    ['all fields', { a: '', b: 1, c: [true] }, true],
    ['a null where one may be', { b: 1, c: null }, true],
    ['a null where none may be', { b: null }, false],
    ['optional ones left out', { b: 1 }, true],
    ['the last left out', { a: '', b: 1 }, true],
    ['a stranger behind', { b: 1, d: 1 }, false],
    ['another order', { b: 1, a: '' }, false],
    ['too few of a list', { b: 1, c: [] }, false],
    ['a wrong one in a list', { b: 1, c: [true, 1] }, false],
    ['a list for an object', [], false],
  ])('%s', (_what, data, says) => {
    expect(plainCheckOf(optional)?.(data)).toBe(says);
  });

  const bounded = z.object({ n: z.number().int().min(2).lt(5).max(9), t: z.string().min(2).max(4).regex(/^a/).max(3) });
  test.each([
    [2, 'aa', true],
    [4, 'aaa', true],
    [1, 'aa', false],
    [5, 'aa', false],
    [2.5, 'aa', false],
    ['2', 'aa', false],
    [2, 'a', false],
    [2, 'aaaa', false],
    [2, 'ba', false],
    [2, 22, false],
    [2, ['a', 'a'], false],
  ])('of the number %p and the text %p within bounds it says %p', (n, t, says) => {
    expect(plainCheckOf(bounded)?.({ n, t })).toBe(says);
    expect(bounded.safeParse({ n, t }).success).toBe(says);
  });

  test('asks for each of two patterns, and for bounds that are no whole numbers', () => {
    const both = z.object({ t: z.string().regex(/a/).regex(/b/), n: z.number().int().min(1.5) });
    const check = plainCheckOf(both);
    expect([check?.({ t: 'ab', n: 2 }), check?.({ t: 'a', n: 2 }), check?.({ t: 'b', n: 2 }), check?.({ t: 'ab', n: 1 })]).toEqual([true, false, false, false]);
  });

  test.each([
    ['a format of its own', z.object({ mail: z.email() })],
    ['an address of certain hosts', z.url({ hostname: /^a$/ })],
    ['an address that is rewritten', z.url({ normalize: true })],
    ['an address of another protocol', z.url({ protocol: /^ftp$/ })],
    ['a change of the value', z.string().trim()],
    ['a rule of its own', z.array(z.number().refine((n) => n > 1))],
    ['strangers allowed', z.looseObject({ a: z.string() })],
    ['a default', z.object({ a: z.string().default('') })],
    ['a coerced value', z.object({ a: z.coerce.number() })],
    ['a pattern that remembers', z.string().regex(/a/g)],
    ['an integer of 32 bits', z.int32()],
    ['an enum of numbers', z.enum({ one: 1 })],
    ['bounds that are no numbers', z.object({ a: z.bigint().min(1n) })],
  ])('leaves %s to the schema', (_what, schema) => {
    expect(plainCheckOf(schema)).toBeUndefined();
  });
});
