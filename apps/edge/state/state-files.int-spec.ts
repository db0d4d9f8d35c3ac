import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../edge.fixture.ts';
import { writeTextFile } from './atomic-file.ts';
import { takeIncarnation } from './incarnation.file.ts';
import { OffsetsFile } from './offsets.file.ts';

describe("the edge's own files", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());

  test('an incarnation always grows, whatever the clock or the file says', async () => {
    const path = join(folder.path, 'edge', 'e', 'incarnation');
    expect(await takeIncarnation(path, 1000)).toBe(1000);
    expect(await takeIncarnation(path, 1000)).toBe(1001);
    expect(await takeIncarnation(path, 500)).toBe(1002);
    expect(await takeIncarnation(path, 5000)).toBe(5000);
    await writeFile(path, 'garbage');
    expect(await takeIncarnation(path, 6000)).toBe(6000);
  });

  test('offsets come back as they were stored; the newest of many wins', async () => {
    const path = join(folder.path, 'offsets.json');
    const file = new OffsetsFile(path, 'cache');
    expect(await file.load(2)).toBeUndefined();
    const log = 'embedded:1';
    const saved = [
      [1n, 2n],
      [3n, 4n],
      [5n, 2n ** 62n],
    ].map((next) => file.save({ log, next }));
    await Promise.all(saved);
    expect(await new OffsetsFile(path, 'cache').load(2)).toEqual({ log, next: [5n, 2n ** 62n] });
    expect(await readdir(folder.path)).toEqual(['offsets.json']);
  });

  test('offsets of before logs had names are of no log that is known', async () => {
    const path = join(folder.path, 'offsets.json');
    await writeFile(path, '{"version":1,"topic":"cache","next":["1","2"]}');
    expect(await new OffsetsFile(path, 'cache').load(2)).toEqual({ log: undefined, next: [1n, 2n] });
  });

  test.each([
    '',
    '{',
    '{"version":2}',
    '{"version":1,"topic":"other","next":["1","2"]}',
    '{"version":1,"topic":"cache","next":["1"]}',
    '{"version":1,"topic":"cache","next":["1","-2"]}',
  ])('offsets that say %j are damaged', async (text) => {
    const path = join(folder.path, 'offsets.json');
    await writeFile(path, text);
    expect(await new OffsetsFile(path, 'cache').load(2)).toBe('damaged');
  });

  test('a file that cannot be written says so and keeps what it had', async () => {
    const path = join(folder.path, 'state');
    await writeTextFile(path, 'old');
    await mkdir(`${path}.new`);
    await expect(writeTextFile(path, 'new')).rejects.toMatchObject({ code: 'STATE_UNWRITABLE' });
    expect(await readFile(path, 'utf8')).toBe('old');
    const file = new OffsetsFile(path, 'cache');
    await expect(file.save({ log: 'embedded:1', next: [1n] })).rejects.toMatchObject({ code: 'STATE_UNWRITABLE' });
  });
});
