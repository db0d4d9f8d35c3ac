import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { foldChanges, type ColumnValue, type RowChange, type TableSpec } from '#kernel';
import { openPostgres, projectionOf, type PostgresSubject } from './postgres-subject.fixture.ts';
import { PostgresProjectionStore } from './postgres-projection-store.adapter.ts';
import { PostgresReadStore } from './postgres-read-store.adapter.ts';

const table: TableSpec = {
  name: 'joined',
  key: { id: 'text', n: 'integer' },
  columns: {
    once_text: { type: 'text', join: 'once' },
    max_text: { type: 'text', join: 'max' },
    min_text: { type: 'text', join: 'min' },
    max_bigint: { type: 'bigint', join: 'max' },
    min_double: { type: 'double', join: 'min' },
    max_integer: { type: 'integer', join: 'max' },
    max_count: { type: 'count', join: 'max' },
    min_count: { type: 'count', join: 'min' },
    max_boolean: { type: 'boolean', join: 'max' },
    min_boolean: { type: 'boolean', join: 'min' },
    min_timestamp: { type: 'timestamp', join: 'min' },
    a: { type: 'text', join: 'lww', stamp: 's' },
    b: { type: 'json', join: 'lww', stamp: 's' },
    c: { type: 'double', join: 'lww', stamp: 't' },
    d: { type: 'boolean', join: 'lww', stamp: 't' },
    e: { type: 'text', join: 'hlc', stamp: 'h' },
    f: { type: 'json', join: 'hlc', stamp: 'h' },
    stage: { type: 'text', join: 'enum', stages: ['later', 'first', 'a-last'] },
    counts: { type: 'json', join: 'counter' },
    elements: { type: 'json', join: 'set' },
    versions: { type: 'json', join: 'register' },
  },
};

const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null });
/** Whole characters: PostgreSQL keeps neither U+0000 nor half of a surrogate pair. */
const text = fc
  .array(fc.oneof(fc.constantFrom('a', 'B', 'ä', '"', '\\', '{', ',', '\n', '\uff5e', '😀', 'NULL'), fc.string({ unit: 'grapheme', maxLength: 1 })), {
    maxLength: 3,
  })
  .map((parts) => parts.join('').replaceAll('\u0000', ''));
/** Numbers that text carries exactly, without the sign of zero, which PostgreSQL keeps and joins forget. */
const double = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
/** Without backslashes, which its names must not have either: see `name`. */
const plainData = fc
  .jsonValue({ maxDepth: 2 })
  .filter((value) => !/\\u0000|-0(?![.\d])/.test(JSON.stringify(value)))
  .map((value) => JSON.parse(JSON.stringify(value).replaceAll('\\\\', '/')) as ColumnValue);

/**
 * Names of origins and dots, among them those that objects of JavaScript and arrays of PostgreSQL trip over. None has a
 * backslash: `JSON.parse` of Node 24.21 reads the name `"` as `\` where it has seen `\` in its place before.
 */
const name = fc.oneof(fc.constantFrom('north', '__proto__', '"', '', '10', '9'), text).map((one) => one.replaceAll('\\', '/'));
const objectOf = <Value>(values: fc.Arbitrary<Value>) =>
  fc.array(fc.tuple(name, values), { maxLength: 4 }).map((entries) => Object.fromEntries(entries) as ColumnValue);
/** Few texts, so that one dot often comes with two values, against the law: even then both sides agree. */
const dots = objectOf(maybe(fc.oneof(fc.constantFrom('\uff5e', '😀', 'null', '1', ''), text)));

const free = fc.record(
  {
    once_text: fc.constantFrom(null, 'the one'),
    max_text: maybe(text),
    min_text: maybe(text),
    max_bigint: maybe(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
    min_double: maybe(double),
    max_integer: maybe(fc.maxSafeInteger()),
    max_count: maybe(fc.maxSafeInteger()),
    min_count: maybe(fc.maxSafeNat()),
    max_boolean: maybe(fc.boolean()),
    min_boolean: maybe(fc.boolean()),
    min_timestamp: maybe(fc.nat({ max: 2 ** 48 })),
    stage: fc.constantFrom(null, 'later', 'first', 'a-last'),
    counts: maybe(objectOf(fc.oneof(fc.nat({ max: 20 }), fc.maxSafeNat()))),
    elements: maybe(dots),
    versions: maybe(dots),
  },
  { requiredKeys: [] },
);

interface Write {
  readonly free: Readonly<Record<string, ColumnValue>>;
  readonly id: string;
  readonly n: number;
  readonly s: bigint | null;
  readonly t: bigint | null;
  readonly h: number | null;
}

const write: fc.Arbitrary<Write> = fc.record({
  id: fc.constantFrom('', 'x', '"y\\'),
  n: fc.constantFrom(-1, 2),
  free: free as fc.Arbitrary<Write['free']>,
  s: maybe(fc.bigInt(-2n, 6n)),
  t: maybe(fc.bigInt(0n, 6n)),
  h: maybe(fc.nat({ max: 8 })),
});

/** Texts of a hybrid logical clock, and others that only code points put in order. */
const times = ['0001-a', '0001-B', '0001-ä', '0002-\uff5e', '0002-😀', '0002', '1', '', '\uffff'];

/** What every write with a stamp writes: equal stamps come with equal values, as the law of `lww` demands. */
interface Groups {
  readonly s: ReadonlyArray<{ readonly a: string | null; readonly b: ColumnValue }>;
  readonly t: ReadonlyArray<{ readonly c: number | null; readonly d: boolean | null }>;
  readonly h: ReadonlyArray<{ readonly e: string | null; readonly f: ColumnValue }>;
}

const groups: fc.Arbitrary<Groups> = fc.record({
  s: fc.array(fc.record({ a: maybe(text), b: plainData }), { minLength: 9, maxLength: 9 }),
  t: fc.array(fc.record({ c: maybe(double), d: maybe(fc.boolean()) }), { minLength: 9, maxLength: 9 }),
  h: fc.array(fc.record({ e: maybe(text), f: plainData }), { minLength: 9, maxLength: 9 }),
});

function changeOf({ id, n, free: columns, s, t, h }: Write, values: Groups): RowChange {
  const set = {
    ...columns,
    ...(s === null ? {} : values.s[Number(s) + 2]),
    ...(t === null ? {} : values.t[Number(t)]),
    ...(h === null ? {} : values.h[h]),
  };
  const stamps = { ...(s === null ? {} : { s }), ...(t === null ? {} : { t }), ...(h === null ? {} : { h: times[h] as string }) };
  return { table: table.name, key: { id, n }, set, stamps };
}

let subject: PostgresSubject;
beforeAll(async () => {
  subject = await openPostgres();
});
afterAll(() => subject.dispose());

test('joining in SQL, commit by commit, gives what folding in memory gives', async () => {
  const projection = projectionOf('joins', 1, table);
  const store = new PostgresProjectionStore(subject.database);
  const reader = new PostgresReadStore(subject.database);
  await store.ensure(projection);
  const nothing = Object.fromEntries(Object.keys(table.columns).map((name) => [name, null]));
  await fc.assert(
    fc.asyncProperty(groups, fc.array(fc.array(write, { maxLength: 8 }), { minLength: 1, maxLength: 4 }), async (values, commits) => {
      await store.reset(projection);
      const at = { topic: 'stream', partition: 0 };
      await store.claim(projection, at, 1n);
      let from = 0n;
      for (const writes of commits) {
        const changes = foldChanges(
          projection.tables,
          writes.map((one) => changeOf(one, values)),
        );
        await store.commit({ projection, at, from, to: from + 1n, epoch: 1n, changes });
        from += 1n;
      }
      const expected = foldChanges(
        projection.tables,
        commits.flat().map((one) => changeOf(one, values)),
      ).map(({ key, set }) => ({ ...key, ...nothing, ...set }));
      const rows = await reader.select(table, { limit: 100 });
      const sorted = (list: readonly object[]) => [...list].sort((a, b) => (rowId(a) < rowId(b) ? -1 : 1));
      expect(sorted(rows)).toEqual(sorted(expected));
    }),
    { numRuns: 150 },
  );
});

function rowId(row: object): string {
  const { id, n } = row as { id: string; n: number };
  return `${n}/${id}`;
}
