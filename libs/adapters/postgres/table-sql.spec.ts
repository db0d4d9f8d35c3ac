import { describe, expect, test } from '@jest/globals';
import type { TableSpec } from '#kernel';
import { checkProjection, createTableSql, createViewSql, upsertSql } from './table-sql.ts';

const table: TableSpec = {
  name: 'stream',
  key: { stream_id: 'text', n: 'integer' },
  columns: {
    name: { type: 'text', join: 'once' },
    end_us: { type: 'bigint', join: 'max' },
    first: { type: 'timestamp', join: 'min' },
    status: { type: 'text', join: 'lww', stamp: 'lifecycle' },
    source: { type: 'json', join: 'lww', stamp: 'lifecycle' },
  },
  indexes: [['status', 'first']],
};

describe('the SQL of a table', () => {
  test('makes it with a column per stamp and its indexes', () => {
    expect(createTableSql('streams_v1', table)).toEqual([
      `CREATE TABLE streams_v1."stream" (
  "stream_id" text COLLATE "C" NOT NULL,
  "n" bigint NOT NULL,
  "name" text COLLATE "C",
  "end_us" bigint,
  "first" bigint,
  "status" text COLLATE "C",
  "source" jsonb,
  "lifecycle$stamp" bigint,
  PRIMARY KEY ("stream_id", "n")
) WITH (fillfactor = 75)`,
      'CREATE INDEX ON streams_v1."stream" ("status", "first")',
    ]);
  });

  test('shows readers everything but the stamps', () => {
    expect(createViewSql('streams_v1', table)).toBe(
      'CREATE VIEW read."stream" AS SELECT "stream_id", "n", "name", "end_us", "first", "status", "source" FROM streams_v1."stream"',
    );
  });

  test('joins what is set and leaves the rest alone', () => {
    expect(upsertSql('streams_v1', table, { columns: ['end_us', 'first', 'status'], stamps: ['lifecycle'] })).toBe(
      `INSERT INTO streams_v1."stream" AS mine ("stream_id", "n", "end_us", "first", "status", "lifecycle$stamp")
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[])
ON CONFLICT ("stream_id", "n") DO UPDATE SET
  "end_us" = GREATEST(mine."end_us", excluded."end_us"),
  "first" = LEAST(mine."first", excluded."first"),
  "status" = CASE WHEN mine."lifecycle$stamp" IS NULL OR excluded."lifecycle$stamp" > mine."lifecycle$stamp" THEN excluded."status" WHEN excluded."lifecycle$stamp" = mine."lifecycle$stamp" THEN GREATEST(mine."status", excluded."status") ELSE mine."status" END,
  "lifecycle$stamp" = GREATEST(mine."lifecycle$stamp", excluded."lifecycle$stamp")`,
    );
  });

  test('a row without columns is only made', () => {
    expect(upsertSql('streams_v1', table, { columns: [], stamps: [] })).toMatch(/ON CONFLICT \("stream_id", "n"\) DO NOTHING$/);
  });
});

const projection = { name: 'p', version: 1, contexts: [], handles: [], ignores: [], tables: [table], project: () => [] };

test.each([
  ['a name with a quote', { ...projection, name: 'p"; --' }],
  ['a version of zero', { ...projection, version: 0 }],
  ['a table without a key', { ...projection, tables: [{ ...table, key: {} }] }],
  ['a table with capitals', { ...projection, tables: [{ ...table, name: 'Stream' }] }],
  ['a column with a space', { ...projection, tables: [{ ...table, columns: { 'a b': { type: 'text', join: 'max' } as const } }] }],
  ['a column that is a key', { ...projection, tables: [{ ...table, columns: { n: { type: 'text', join: 'max' } as const } }] }],
  ['a last writer without a stamp', { ...projection, tables: [{ ...table, columns: { a: { type: 'text', join: 'lww' } as const } }] }],
  ['a maximum with a stamp', { ...projection, tables: [{ ...table, columns: { a: { type: 'text', join: 'max', stamp: 's' } as const } }] }],
  ['the greatest of plain data', { ...projection, tables: [{ ...table, columns: { a: { type: 'json', join: 'max' } as const } }] }],
  ['a counter that is no plain data', { ...projection, tables: [{ ...table, columns: { a: { type: 'bigint', join: 'counter' } as const } }] }],
  ['a set of text', { ...projection, tables: [{ ...table, columns: { a: { type: 'text', join: 'set' } as const } }] }],
  ['an enum without stages', { ...projection, tables: [{ ...table, columns: { a: { type: 'text', join: 'enum' } as const } }] }],
  ['a maximum with stages', { ...projection, tables: [{ ...table, columns: { a: { type: 'text', join: 'max', stages: ['x'] } as const } }] }],
  ['stages that are the same', { ...projection, tables: [{ ...table, columns: { a: { type: 'text', join: 'enum', stages: ['x', 'x'] } as const } }] }],
  ['a stage with a quote', { ...projection, tables: [{ ...table, columns: { a: { type: 'text', join: 'enum', stages: ["x'"] } as const } }] }],
  [
    'a stamp that is a number here and a text there',
    {
      ...projection,
      tables: [{ ...table, columns: { a: { type: 'text', join: 'lww', stamp: 's' } as const, b: { type: 'text', join: 'hlc', stamp: 's' } as const } }],
    },
  ],
  ['an index on nothing', { ...projection, tables: [{ ...table, indexes: [['colour']] }] }],
])('refuses %s', (_what, broken) => {
  expect(() => checkProjection(broken)).toThrow(expect.objectContaining({ code: 'PROJECTION_INVALID' }));
  expect(() => checkProjection(projection)).not.toThrow();
});
