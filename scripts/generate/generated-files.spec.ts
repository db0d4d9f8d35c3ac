import { expect, test } from '@jest/globals';
import { catalogue, type EventDefinition } from '#events';
import { readdir } from 'node:fs/promises';
import { schemaOfVersion } from './event-docs.ts';
import { checkout, staleFiles } from './generated-files.ts';
import { editedSchemas, readReleased, releasedFile } from './released-schemas.ts';

test('what is generated from code is committed as it would be generated now', async () => {
  // Differs? Run `npm run generate`, look at the difference, and commit it.
  expect(await staleFiles()).toEqual([]);
});

test('a released version of an event is never edited', () => {
  const definitions = catalogue as readonly EventDefinition[];
  expect(editedSchemas(readReleased(), schemaOfVersion, definitions)).toEqual([]);
  const edited = (type: string, version: number) => ({ ...schemaOfVersion(type, version), ...(type === 'stream.stopped' ? { required: [] } : {}) });
  expect(editedSchemas(readReleased(), edited, definitions)).toEqual([expect.stringMatching(/^stream\.stopped version 1 was released and has been edited/)]);
  expect(() => releasedFile(readReleased(), edited)).toThrow('Raise the version');
});

test('every version of every event has its schema, and there is no schema of anything else', async () => {
  const expected = catalogue.flatMap(({ type, version }) => Array.from({ length: version }, (_, at) => `${type}.${at + 1}.json`));
  expect((await readdir(`${checkout}docs/schemas`)).sort()).toEqual(expected.sort());
});
