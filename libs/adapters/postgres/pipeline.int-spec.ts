import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Database } from './database.ts';
import type { Step } from './pipeline.ts';
import { openPostgres, type PostgresSubject } from './postgres-subject.fixture.ts';

let subject: PostgresSubject;
let database: Database;

beforeAll(async () => {
  subject = await openPostgres();
  // One connection, so that each pipeline meets what the one before it left behind.
  database = new Database({ url: subject.url, connectionsMax: 1 });
  await database.run({ text: 'CREATE TABLE public.thing (id text PRIMARY KEY, n bigint)' });
});

afterAll(async () => {
  await database.close();
  await subject.dispose();
});

beforeEach(() => database.run({ text: 'TRUNCATE public.thing' }));

const insert = (id: string, n: string): Step => ({ name: 'insert', text: 'INSERT INTO public.thing VALUES ($1, $2::bigint)', values: [id, n] });
const copy = (lines: string): Step => ({ name: 'copy', text: 'COPY public.thing FROM STDIN', copy: Buffer.from(lines) });

async function things(): Promise<string> {
  const { rows } = await database.run({ text: 'SELECT id, n FROM public.thing ORDER BY id' });
  return rows.map((row) => row.join('=')).join(' ');
}

describe('a pipeline', () => {
  test('is one transaction of statements and copies in their order', async () => {
    const lines = Array.from({ length: 50_000 }, (_, n) => `m${n}\t${n}\n`).join('');
    const drop = { name: 'drop', text: "DELETE FROM public.thing WHERE id LIKE 'm%' AND n > 1" };
    expect(await database.atomically([insert('a', '1'), copy(lines), drop, copy('z\t9\n')])).toBeUndefined();
    expect(await things()).toBe('a=1 m0=0 m1=1 z=9');
  });

  test.each<readonly [string, Step, string]>([
    ['a row that is there', insert('a', '2'), '23505'],
    ['a value out of range', insert('b', '9223372036854775808'), '22003'],
    ['a statement that does not parse', { name: 'broken', text: 'SELEKT' }, '42601'],
    ['a copy of a row that is there', copy('b\t1\na\t1\n'), '23505'],
    ['a copy with a broken line', copy('b\n'), '22P04'],
    ['a copy into nowhere', { name: 'nowhere', text: 'COPY public.nowhere FROM STDIN', copy: Buffer.alloc(200_000, 'x\n') }, '42P01'],
  ])('with %s in the middle leaves nothing, says which step, and the connection goes on', async (_what, broken, code) => {
    const failure = await database.atomically([insert('a', '1'), broken, copy('c\t3\n'), insert('d', '4')]);
    expect(failure).toMatchObject({ step: 1, error: { cause: { code } } });
    expect(await things()).toBe('');
    expect(await database.atomically([insert('a', '1'), copy('c\t3\n')])).toBeUndefined();
    expect(await things()).toBe('a=1 c=3');
  });

  test('whose commit fails is rolled back', async () => {
    await database.run({ text: 'CREATE TABLE public.late (id text UNIQUE DEFERRABLE INITIALLY DEFERRED)' });
    const late = { name: 'late', text: 'INSERT INTO public.late VALUES ($1)', values: ['a'] };
    expect(await database.atomically([insert('a', '1'), late, late])).toMatchObject({ step: 3, error: { cause: { code: '23505' } } });
    expect(await things()).toBe('');
  });

  test('that loses its connection fails as such, and the next one has another', async () => {
    const end = { name: 'end', text: 'SELECT pg_terminate_backend(pg_backend_pid())' };
    const failure = await database.atomically([insert('a', '1'), end, insert('b', '1')]);
    expect(failure?.error).toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true });
    expect(await database.atomically([insert('c', '1')])).toBeUndefined();
    expect(await things()).toBe('c=1');
  });

  test('that finds no server fails as such', async () => {
    const nowhere = new Database({ url: 'postgresql://streams:x@127.0.0.1:1/streams' });
    expect((await nowhere.atomically([insert('a', '1')]))?.error).toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true });
    await nowhere.close();
  });
});
