import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { fieldSentence } from './field-sentences.ts';

describe('what is wrong with a field', () => {
  test.each<[z.ZodType, unknown, string]>([
    [z.string(), undefined, 'It is missing.'],
    [z.string(), 7, 'It must be text.'],
    [z.coerce.number().int(), 'many', 'It must be a number.'],
    [z.number().int(), 1.5, 'It must be a whole number.'],
    [z.strictObject({}), [], 'It must be an object with fields.'],
    [z.strictObject({}), { a: 1 }, 'There is no such field.'],
    [z.array(z.string()).min(1), [], 'It must have at least 1 entry.'],
    [z.string().max(200), 'x'.repeat(201), 'It must have at most 200 characters.'],
    [z.number().max(5), 6, 'It must be at most 5.'],
    [z.number().gt(5), 5, 'It must be more than 5.'],
    [z.number().lt(5), 5, 'It must be less than 5.'],
    [z.enum(['a', 'b']), 'c', 'It must be one of a, b.'],
    [z.literal('a'), 'c', 'It must be a.'],
    [z.url(), 'nowhere', 'It must be an address such as https://host/path.'],
    [z.iso.datetime(), 'noon', 'It must be a time such as 2026-01-31T12:00:00Z (RFC 3339).'],
    [z.string().regex(/a/), 'b', 'It does not have the right form.'],
    [z.number().multipleOf(3), 4, 'It must be a multiple of 3.'],
    [z.union([z.string(), z.number()]), true, 'It has none of the forms that are possible here.'],
    [z.string().refine(() => false), 'x', 'It is not valid.'],
    [z.string().regex(/a/, 'Expected an a.'), 'b', 'Expected an a.'],
    [z.record(z.string().regex(/a/, 'Expected an a.'), z.string()), { b: 'x' }, 'Expected an a.'],
    [z.record(z.string().max(2), z.string()), { bbb: 'x' }, 'It must have at most 2 characters.'],
  ])('%#', (schema, value, sentence) => {
    const result = schema.safeParse(value, { error: fieldSentence });
    expect(result.error?.issues.map((issue) => issue.message)).toEqual([sentence]);
  });
});
