import { createLogger } from '#runtime';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GeoFile } from './geo-file.ts';
import { mmdbOf } from './mmdb-writer.fixture.ts';

const berlin = mmdbOf([{ network: '192.0.2.0', bits: 24, latitude: 52.5, longitude: 13.4 }]);
const sydney = mmdbOf([{ network: '192.0.2.0', bits: 24, latitude: -33.9, longitude: 151.2 }]);

describe('the file of places', () => {
  let folder: string;
  let path: string;
  let geo: GeoFile;
  const latitude = (): number | undefined => geo.find('192.0.2.7').place?.latitude;
  /** As tools do it: beside, then in its place. */
  const replace = async (bytes: Uint8Array): Promise<void> => {
    await writeFile(`${path}.new`, bytes);
    await rename(`${path}.new`, path);
    await geo.look();
  };

  beforeEach(async () => {
    const logger = await createLogger({ name: 'steering', node: 'steering-1', logFormat: 'json', logLevel: 'silent' });
    folder = await mkdtemp(join(tmpdir(), 'streams-geo-'));
    path = join(folder, 'city.mmdb');
    geo = new GeoFile(path, logger);
  });

  afterEach(async () => {
    geo.close();
    await rm(folder, { recursive: true });
  });

  test('is read when it comes, and anew when another takes its place', async () => {
    await geo.open();
    expect([geo.isThere, latitude()]).toEqual([false, undefined]);
    await replace(berlin);
    expect([geo.isThere, latitude()]).toEqual([true, 52.5]);
    await replace(sydney);
    expect(latitude()).toBe(-33.9);
  });

  test('is read anew when it is written over in place', async () => {
    await writeFile(path, berlin);
    await geo.open();
    await writeFile(path, sydney);
    // Of the same size, and perhaps within one tick of the file system's clock.
    await utimes(path, new Date(), new Date(Date.now() + 5000));
    await geo.look();
    expect(latitude()).toBe(-33.9);
  });

  test('one that breaks off, is no such file or goes away changes nothing; the next whole one is taken', async () => {
    await replace(berlin);
    for (const bytes of [sydney.subarray(0, 40), Buffer.from('<html>'), Buffer.alloc(0)]) {
      await replace(bytes);
      expect([geo.isThere, latitude()]).toEqual([true, 52.5]);
    }
    await rm(path);
    await geo.look();
    expect(latitude()).toBe(52.5);
    await replace(sydney);
    expect(latitude()).toBe(-33.9);
  });
});
