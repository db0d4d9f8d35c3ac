import { expect, test } from '@jest/globals';
import { catalogue } from '#events';
import { readdir } from 'node:fs/promises';
import { checkout, staleFiles } from './generated-files.ts';

test('what is generated from code is committed as it would be generated now', async () => {
  // Differs? Run `npm run generate`, look at the difference, and commit it.
  expect(await staleFiles()).toEqual([]);
});

test('every version of every event has its schema, and there is no schema of anything else', async () => {
  const expected = catalogue.flatMap(({ type, version }) => Array.from({ length: version }, (_, at) => `${type}.${at + 1}.json`));
  expect((await readdir(`${checkout}docs/schemas`)).sort()).toEqual(expected.sort());
});
