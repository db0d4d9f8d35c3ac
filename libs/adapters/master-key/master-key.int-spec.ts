import { masterKeyConformance } from '#ports/conformance';
import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileKeyRing } from './file-key-ring.ts';
import { LocalMasterKey } from './local-master-key.adapter.ts';
import { openMasterKey } from './open-master-key.ts';
import { TransitServer } from './transit.fixture.ts';
import { TransitMasterKey } from './transit-master-key.adapter.ts';

async function folder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'master-key-'));
}

const own = { mayMake: true, mayChange: true };

masterKeyConformance('LocalMasterKey in a file', async () => {
  const place = await folder();
  const port = new LocalMasterKey(new FileKeyRing({ path: join(place, 'deep', 'master.key'), ...own }));
  return { port, elapse: async () => {}, dispose: () => rm(place, { recursive: true }) };
});

masterKeyConformance('TransitMasterKey', async () => {
  const server = await TransitServer.start();
  return { port: new TransitMasterKey(server), elapse: async () => {}, dispose: () => server.stop() };
});

describe('the file of master keys', () => {
  test('is made once by many at once, for its owner alone, and leaves no drafts', async () => {
    const place = await folder();
    const path = join(place, 'master.key');
    const ids = await Promise.all(Array.from({ length: 8 }, () => new LocalMasterKey(new FileKeyRing({ path, ...own })).newest()));
    expect(new Set(ids).size).toBe(1);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(place)).toEqual(['master.key']);
    await rm(place, { recursive: true });
  });

  test('is read anew for a key that another process added', async () => {
    const place = await folder();
    const [one, other] = [0, 1].map(() => new LocalMasterKey(new FileKeyRing({ path: join(place, 'master.key'), ...own }))) as [LocalMasterKey, LocalMasterKey];
    await one.newest();
    await other.renew();
    const wrapped = await other.wrap(randomBytes(32));
    expect(await one.unwrap(wrapped)).toHaveLength(32);
    await rm(place, { recursive: true });
  });

  test.each([
    ['is not there', undefined, 'ENOENT'],
    ['holds something else', 'c2hvcnQ=\n', 'something else than keys'],
    ['is empty', '# nothing\n', 'something else than keys'],
  ])('of an operator that %s is named, and never made', async (_what, text, why) => {
    const place = await folder();
    const path = join(place, 'master.key');
    if (text !== undefined) await writeFile(path, text);
    const master = openMasterKey({ transit: undefined, file: path, ownPath: join(place, 'own.key') });
    await expect(master.wrap(randomBytes(32))).rejects.toMatchObject({ code: 'MASTER_KEY_MISSING', message: expect.stringMatching(why) });
    expect(await readdir(place)).toEqual(text === undefined ? [] : ['master.key']);
    await rm(place, { recursive: true });
  });

  test('of an operator is changed by nobody else', async () => {
    const place = await folder();
    const path = join(place, 'master.key');
    await writeFile(path, `${randomBytes(32).toString('base64')}\n`);
    const before = await readFile(path, 'utf8');
    const master = openMasterKey({ transit: undefined, file: path, ownPath: '' });
    await expect(master.renew()).rejects.toMatchObject({ code: 'MASTER_KEY_READ_ONLY' });
    await master.forgetBefore(await master.newest());
    expect(await readFile(path, 'utf8')).toBe(before);
    await rm(place, { recursive: true });
  });
});

describe('a key service', () => {
  test('that is away may be back; one that refuses will go on refusing', async () => {
    const server = await TransitServer.start();
    const master = openMasterKey({ transit: server, file: undefined, ownPath: '' });
    server.sealed = true;
    await expect(master.newest()).rejects.toMatchObject({ code: 'MASTER_KEY_UNAVAILABLE', retryable: true });
    server.sealed = false;
    await expect(new TransitMasterKey({ url: server.url, token: 'wrong' }).newest()).rejects.toMatchObject({ code: 'MASTER_KEY_MISSING', retryable: false });
    await server.stop();
    await expect(master.wrap(randomBytes(32))).rejects.toMatchObject({ code: 'MASTER_KEY_UNAVAILABLE' });
    expect(() => new TransitMasterKey({ url: 'https://vault.example/streams', token: 't' })).toThrow('must end with /keys/<name>');
  });
});
