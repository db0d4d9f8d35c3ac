import fc, { type Arbitrary } from 'fast-check';

/** A JSON Schema, as far as our OpenAPI document uses it. */
export interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly format?: string;
  readonly pattern?: string;
}

function nested(depth: number): unknown {
  return depth === 0 ? [] : depth % 2 === 0 ? [nested(depth - 1)] : { a: nested(depth - 1) };
}

/** What breaks parsers, engines and the patience of those who trust their input. */
const nasty: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  2 ** 53,
  1e308,
  '',
  ' ',
  '\u0000',
  'a\r\nb: c',
  '\u202egnp.exe',
  '\ud800',
  "' OR 1=1 --",
  '%',
  '%00',
  '../../etc/passwd',
  '${7*7}',
  'x'.repeat(5_000),
  [],
  {},
  [[[[[[]]]]]],
  nested(500),
  -0,
  Number.MIN_VALUE,
  2 ** 63,
  'a\udc00b',
  '\ufeff',
  '\u0000'.repeat(50),
  { '\ud800': 1, '\u0000': 2, ['x'.repeat(2_000)]: 3 },
  { __proto__x: 1, constructor: { prototype: {} } },
  ...['st-aaaaaaaaaaaaaaaa', 'k-admin', 'pg-aaaaaaaaaaaaaaaa', 'default', '*', '/live/x/master.m3u8', 'now', 'beginning'],
];

export const junk: Arbitrary<unknown> = fc.oneof(fc.constantFrom(...nasty), fc.jsonValue({ maxDepth: 3 }), fc.string({ unit: 'binary', maxLength: 40 }));

function textOf({ pattern, format, minLength = 0, maxLength = 40 }: Schema): Arbitrary<unknown> {
  if (format === 'date-time') return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  if (format === 'uri') return fc.webUrl();
  const size = { minLength: Math.min(minLength, 100), maxLength: Math.min(maxLength, 60) };
  const plain = fc.string({ unit: 'grapheme', ...size });
  // A pattern without letters of its own says what may not be in it: plain text is quicker to make, and mostly right.
  if (pattern === undefined || pattern.startsWith('^[^')) return plain;
  try {
    return fc.stringMatching(new RegExp(pattern, 'u'));
  } catch {
    return plain;
  }
}

function objectOf({ properties = {}, required = [] }: Schema): Arbitrary<unknown> {
  const fields = Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, valueOf(field)]));
  const whole = fc.record(fields, { requiredKeys: required.filter((name) => name in fields) });
  return fc.oneof(
    { weight: 9, arbitrary: whole },
    { weight: 1, arbitrary: fc.tuple(whole, fc.dictionary(fc.string(), junk, { maxKeys: 3 })).map(([a, b]) => ({ ...a, ...b })) },
  );
}

function rightValueOf(schema: Schema): Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(valueOf));
  switch (schema.type) {
    case 'object':
      return objectOf(schema);
    case 'array':
      return fc.array(valueOf(schema.items ?? {}), { minLength: Math.min(schema.minItems ?? 0, 3), maxLength: Math.min(schema.maxItems ?? 5, 5) });
    case 'integer':
      return fc.integer({ min: Math.max(schema.minimum ?? -1e9, -(2 ** 31)), max: Math.min(schema.maximum ?? 1e9, 2 ** 31 - 1) });
    case 'number':
      return fc.double({ min: schema.minimum ?? -1e9, max: schema.maximum ?? 1e9, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'string':
      return textOf(schema);
    default:
      return junk;
  }
}

/** Values that fit the schema, and every twentieth time, at each place, one that has nothing to do with it. */
export function valueOf(schema: Schema): Arbitrary<unknown> {
  return fc.oneof({ weight: 19, arbitrary: rightValueOf(schema) }, { weight: 1, arbitrary: junk });
}
