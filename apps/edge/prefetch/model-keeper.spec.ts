import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { encodeModel, type TransitionModel } from '#core/prefetch';
import { OperatingError } from '#kernel';
import { blobCid } from '#ports';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder, until } from '../edge.fixture.ts';
import { ModelFiles } from './model-files.ts';
import { ModelKeeper } from './model-keeper.ts';

const modelTo = (path: string, audience = ''): TransitionModel => ({ trainedAtMs: 1, rows: new Map([[audience, new Map([['/a', [{ path, share: 1 }]]])]]) });
const cidOf = (bytes: Uint8Array): string => blobCid(createHash('sha256').update(bytes).digest());
const unreachable = (): OperatingError => new OperatingError('away', { code: 'MODEL_UNREACHABLE', retryable: true });

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let runs = 0;

beforeAll(async () => {
  folder = await temporaryFolder();
});

afterAll(() => folder.remove());

/** A keeper over blobs, and what is in use. */
function kept(files = new ModelFiles(join(folder.path, String(runs++)))) {
  const blobs = new Map<string, Uint8Array | OperatingError>();
  const used = new Map<string, string | undefined>();
  const warnings: string[] = [];
  const stop = new AbortController();
  const keeper = new ModelKeeper({
    fetch: async (cid) => {
      const blob = blobs.get(cid) ?? unreachable();
      if (blob instanceof OperatingError) throw blob;
      return blob;
    },
    files,
    use: (zone, model) =>
      used.set(zone, model === undefined ? 'nothing' : [...model.rows.values()].flatMap((rows) => rows.get('/a')?.map(({ path }) => path) ?? []).join()),
    region: 'eu',
    logger: { warn: (_about: unknown, text: string) => void warnings.push(text) } as never,
  });
  const put = (bytes: Uint8Array, cid = cidOf(bytes)): string => {
    blobs.set(cid, bytes);
    return cid;
  };
  const running = keeper.run(stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  return { keeper, blobs, used, warnings, files, put, end };
}

describe('models at an edge', () => {
  test('the newest that was told of is used, an older one is not, and a restart goes on with it', async () => {
    const one = kept();
    const first = one.put(encodeModel(modelTo('/1')));
    const second = one.put(encodeModel(modelTo('/2')));
    one.keeper.offer({ zone: 'zn-1', number: 2, cid: second });
    await until(() => one.used.get('zn-1') === '/2');
    one.keeper.offer({ zone: 'zn-1', number: 1, cid: first });
    one.keeper.offer({ zone: '', number: 1, cid: first });
    await until(() => one.used.get('') === '/1');
    expect(one.used.get('zn-1')).toBe('/2');
    await until(async () => (await one.files.all()).length === 2);
    await one.end();
    const other = kept(one.files);
    await other.keeper.restore();
    expect([...other.used].toSorted()).toEqual([
      ['', '/1'],
      ['zn-1', '/2'],
    ]);
    other.keeper.forget('zn-1');
    expect(other.used.get('zn-1')).toBe('nothing');
    await until(async () => (await one.files.all()).length === 1);
    await other.end();
  });

  test('of audiences those of its region, and everybody', async () => {
    const one = kept();
    const rows = new Map([...modelTo('/all').rows, ...modelTo('/eu', 'eu/tv').rows, ...modelTo('/us', 'us/tv').rows]);
    one.keeper.offer({ zone: '', number: 1, cid: one.put(encodeModel({ trainedAtMs: 1, rows })) });
    await until(() => one.used.get('') === '/all,/eu');
    await one.end();
  });

  test.each([
    [
      'bytes that are others than it is named by',
      (one: ReturnType<typeof kept>) => one.put(encodeModel(modelTo('/x')), cidOf(Uint8Array.of(1))),
      'not those that it is named by',
    ],
    ['bytes that are no model', (one: ReturnType<typeof kept>) => one.put(Uint8Array.of(0x53, 0x50, 0x46, 0x4d, 1, 255)), 'none that this edge can read'],
  ])('%s leave the one before in its place, until a good one comes', async (_what, bad, why) => {
    const one = kept();
    one.keeper.offer({ zone: '', number: 1, cid: one.put(encodeModel(modelTo('/1'))) });
    await until(() => one.used.get('') === '/1');
    one.keeper.offer({ zone: '', number: 2, cid: bad(one) });
    await until(() => one.warnings.length === 1);
    expect(one.keeper.status()).toEqual([expect.objectContaining({ number: 1, refused: expect.stringContaining(why) })]);
    expect(one.used.get('')).toBe('/1');
    one.keeper.offer({ zone: '', number: 3, cid: one.put(encodeModel(modelTo('/3'))) });
    await until(() => one.used.get('') === '/3');
    expect(one.keeper.status()).toEqual([expect.objectContaining({ number: 3, refused: undefined })]);
    await one.end();
  });

  test('one that cannot be had now is had later; one that is withdrawn ends', async () => {
    const one = kept();
    const bytes = encodeModel(modelTo('/1'));
    one.keeper.offer({ zone: '', number: 1, cid: cidOf(bytes) });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(one.used.has('')).toBe(false);
    one.put(bytes);
    await until(() => one.used.get('') === '/1');
    one.keeper.offer({ zone: '', number: 2, cid: null });
    await until(() => one.used.get('') === 'nothing');
    await one.end();
  });

  test('files that are damaged, foreign or of another zone are left out', async () => {
    const path = join(folder.path, 'damaged');
    const files = new ModelFiles(path);
    const bytes = encodeModel(modelTo('/1'));
    await files.put({ zone: 'zn-1', number: 1, cid: cidOf(bytes) }, bytes);
    await files.put({ zone: 'zn-2', number: 1, cid: cidOf(Uint8Array.of(1)) }, bytes);
    await writeFile(join(path, 'z-zn-3.json'), '{"version":1');
    await writeFile(join(path, 'z-zn-4.json'), JSON.stringify({ version: 1, zone: 'zn-5', number: 1, cid: null, bytes: '' }));
    const one = kept(files);
    await one.keeper.restore();
    expect([...one.used]).toEqual([['zn-1', '/1']]);
    await one.end();
  });
});
