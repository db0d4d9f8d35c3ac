import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { audit, openBundle, type Finding } from '#adapters/ledger';
import { parseRecordBytes } from '#core/ledger';
import { realEngines, startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { forgeries, strangers } from './bundle-forgeries.ts';
import { keepLedger } from './ledger-run.ts';
import { overwrite } from './overwrite.ts';

const dist = fileURLToPath(new URL('../..', import.meta.url));
const auditor = join(dist, 'apps/auditor/main.js');
const streams = join(dist, 'apps/streams/main.js');

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, err };
}

/** Every module that a compiled file loads, and every package. */
async function closureOf(entry: string, seen = new Set<string>()): Promise<ReadonlySet<string>> {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  if (!entry.endsWith('.js')) return seen;
  const text = await readFile(entry, 'utf8');
  for (const match of text.matchAll(/^(?:import|export) [^'"();=]*from ['"]([^'"]+)['"]|^import ['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)['"]/gm)) {
    const name = match.slice(1).find(Boolean) ?? '';
    if (name.startsWith('.')) await closureOf(resolve(dirname(entry), name), seen);
    else if (name.startsWith('#')) await closureOf(join(dist, 'libs', name.slice(1), 'index.js'), seen);
    else seen.add(name);
  }
  return seen;
}

describe('the audit by command', () => {
  let world: World;
  let gateway: RunningGateway;
  let folder: string;
  let logFolder: string;
  let authorization: string;
  const api = (): string[] => ['--url', gateway.url, '--key', authorization.replace('Bearer ', '')];

  async function publish(from: number, to: number): Promise<void> {
    for (let n = from; n < to; n++) {
      const data = { contentId: 'one', url: `https://origin.example/${n}`, contentType: 'video/mp4' };
      const body = JSON.stringify({ specversion: '1.0', id: `e-${n}`, source: '/cms', type: 'content.published', data });
      await fetch(`${gateway.url}/api/v1/events`, { method: 'POST', headers: { authorization, 'content-type': 'application/cloudevents+json' }, body });
    }
    await world.settle();
    await keepLedger({ ...world.engines, store: world.engines.ledger });
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'audit-cli-'));
    const engines = await realEngines();
    logFolder = engines.folder;
    world = await World.open(engines);
    gateway = await startGateway(world.engines, world.consolePath);
    ({ authorization } = await world.key(['admin']));
    await publish(0, 270);
  }, 240_000);

  afterAll(async () => {
    await gateway.stop();
    await world.close();
    await rm(folder, { recursive: true });
  });

  test('the auditor’s program loads no package', async () => {
    const loaded = [...(await closureOf(auditor))].filter((name) => !name.startsWith('/'));
    expect(loaded.filter((name) => !name.startsWith('node:'))).toEqual([]);
    expect(loaded.length).toBeGreaterThan(0);
  });

  test('verifies the running platform', async () => {
    const { code, out, err } = await run(streams, ['audit', 'verify', ...api()]);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/✓ ledger\.example: \d+ trees with \d+ records, \d+ checkpoints; \d+ records compared/);
    const { trees } = JSON.parse((await run(streams, ['audit', 'verify', ...api(), '--json'])).out) as {
      trees: Array<{ topic: string; size: number; compared: number }>;
    };
    expect(trees.find(({ topic }) => topic === 'content')).toMatchObject({ size: 270, compared: 270 });
  });

  test('proves an event by id and by place', async () => {
    const { code, out } = await run(streams, ['audit', 'prove', 'e-17', ...api()]);
    expect(code).toBe(0);
    const [, place = ''] = /in the tree of (\S+) \(offset/.exec(out) ?? [];
    const offset = /\(offset (\d+)\)/.exec(out)?.[1] ?? '';
    expect((await run(streams, ['audit', 'prove', `${place}/${offset}`, ...api()])).out).toBe(out);
    expect(await run(streams, ['audit', 'prove', 'e-none', ...api()])).toMatchObject({ code: 1, err: expect.stringContaining('There is no event e-none') });
    expect(out).toMatch(/Its \d+ bytes were read and hashed here: content\.published of 20/);
    const { record, leafHash: leaf } = JSON.parse((await run(streams, ['audit', 'prove', 'e-17', '--json', ...api()])).out) as Record<string, string>;
    const bytes = Buffer.from(record ?? '', 'base64');
    expect(parseRecordBytes(bytes).headers['ce_id']).toBe('e-17');
    expect(createHash('sha256').update('\0').update(bytes).digest('base64')).toBe(leaf);
  });

  /** A platform that gives, for some paths, what it has under others. */
  async function lying(change: (path: string, answer: string) => Promise<string | Uint8Array>): Promise<{ readonly url: string; readonly close: () => void }> {
    const server = createServer((request, response) => {
      void (async () => {
        const path = request.url ?? '';
        const own = await fetch(`${gateway.url}${path}`, { headers: { authorization: request.headers.authorization ?? '' } });
        const first = own.headers.get('x-first-leaf');
        if (first !== null) response.setHeader('x-first-leaf', first);
        response.writeHead(own.status).end(await change(path, Buffer.from(await own.arrayBuffer()).toString('latin1')));
      })();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
  }

  test.each([
    ['another record under its id', /\/events\/e-17\/proof/, 'the record that is proven is of another event'],
    ['other bytes than are in the tree', /\/records\/\d+/, 'the bytes that the platform gives do not have that hash'],
  ])('finds a platform out that proves %s', async (_, where, said) => {
    const key = api().at(-1) ?? '';
    const proofOf = async (id: string): Promise<string> =>
      (await fetch(`${gateway.url}/api/v1/ledger/events/${id}/proof`, { headers: { authorization: `Bearer ${key}` } })).text();
    const platform = await lying(async (path, answer) => {
      if (!where.test(path)) return Buffer.from(answer, 'latin1');
      if (path.includes('/proof')) return (await proofOf('e-18')).replaceAll('e-18', 'e-17');
      return Buffer.from(answer.replaceAll('e-17', 'e-71'), 'latin1');
    });
    expect(await run(streams, ['audit', 'prove', 'e-17', '--url', platform.url, '--key', key])).toMatchObject({ code: 1, err: expect.stringContaining(said) });
    platform.close();
  });

  test('exports a bundle that stands by itself, and holds later ones to it', async () => {
    const bundle = join(folder, 'bundle');
    expect(await run(streams, ['audit', 'export', bundle, ...api()])).toMatchObject({ code: 0, err: '' });
    expect(await run(streams, ['audit', 'export', bundle, ...api()])).toMatchObject({ code: 2, err: expect.stringContaining('is not empty') });
    const key = /^ {4}(ledger\.example\+\S+)$/m.exec(await readFile(join(bundle, 'README.md'), 'utf8'))?.[1] ?? '';
    expect(await run(auditor, [bundle, '--key', key])).toMatchObject({ code: 0, out: expect.stringContaining('Everything is as it was signed.') });
    expect(await run(streams, ['audit', 'verify', '--offline', bundle, '--trust', key])).toMatchObject({ code: 0 });
    expect(await run(auditor, [bundle, '--key', key.replace(/.{44}$/, 'AfgyQ8ggVQbWmj1Y1eGzGdTn0Jsb1nNqhpq4Ge5bkLvB')])).toMatchObject({ code: 2 });
    expect(await run(auditor, [bundle, '--cosigners', '1'])).toMatchObject({ code: 1, out: expect.stringContaining('cosignatures-missing') });

    // Signed with the rest: that there were no witnesses here.
    const [tree = ''] = await readdir(join(bundle, 'content'));
    expect(await readFile(join(bundle, 'content', tree, 'holding'), 'utf8')).toMatch(/\n[0-9a-f]{32}\nwitnessed 0 0 0\n\n— /);

    // Somebody hands over less than there was.
    const less = join(folder, 'less');
    await cp(bundle, less, { recursive: true });
    await rm(join(less, 'content'), { recursive: true });
    expect(await run(auditor, [less, '--key', key])).toMatchObject({
      code: 1,
      out: expect.stringMatching(/✗ tree-missing +content\/\d+: the whole tree is missing/),
    });
    await rm(join(less, 'trees'));
    expect(await run(auditor, [less, '--key', key])).toMatchObject({ code: 1, out: expect.stringContaining('there is no signed list of the trees') });

    await publish(270, 280);
    expect(await run(streams, ['audit', 'verify', '--since', bundle, '--trust', key, ...api()])).toMatchObject({ code: 0, err: '' });
    const hashes = join(folder, 'hashes');
    expect(await run(streams, ['audit', 'export', hashes, '--no-records', ...api()])).toMatchObject({ code: 0 });
    expect(await run(auditor, [hashes, '--key', key])).toMatchObject({ code: 0, out: expect.stringContaining(' 0 records compared') });
    const back = await run(streams, ['audit', 'verify', '--offline', bundle, '--since', hashes]);
    expect([back.code, back.out]).toEqual([1, expect.stringContaining('rolled-back')]);
    expect(await run(auditor, [hashes, '--since', bundle])).toMatchObject({ code: 0 });
    expect(await run(auditor, [bundle, '--since', hashes])).toMatchObject({ code: 1, out: expect.stringContaining('rolled-back') });
  });

  describe('of a bundle that somebody has changed', () => {
    const findingsIn = async (bundle: string): Promise<readonly Finding[]> => {
      const report = await audit(await openBundle(bundle), { keys: [], witnessKeys: [], cosignersMin: 0 });
      const findings = [...report.findings, ...report.trees.flatMap((tree) => tree.findings)];
      expect(report.ok).toBe(findings.length === 0);
      return findings;
    };

    test('finds nothing where nothing was', async () => {
      expect(await findingsIn(join(folder, 'bundle'))).toEqual([]);
      expect(await findingsIn(join(folder, 'hashes'))).toEqual([]);
    });

    test.each(forgeries.map((one) => [one.name, one] as const))('finds %s', async (_name, { forge, finds: { message, ...finds } }) => {
      const bundle = await mkdtemp(join(folder, 'forged-'));
      await cp(join(folder, 'bundle'), bundle, { recursive: true });
      const tree = `content/${(await readdir(join(bundle, 'content')))[0]}`;
      await forge({ folder: bundle, tree });
      expect(await findingsIn(bundle)).toContainEqual(expect.objectContaining({ ...finds, message: expect.stringContaining(message ?? tree) }));
    });
  });

  test.each(strangers)('reads nothing of %s', async (_name, put) => {
    const bundle = await mkdtemp(join(folder, 'strange-'));
    await cp(join(folder, 'bundle'), bundle, { recursive: true });
    await put({ folder: bundle, tree: `content/${(await readdir(join(bundle, 'content')))[0]}` });
    expect(await run(auditor, [bundle])).toMatchObject({ code: 2, err: expect.stringContaining('is no file of a bundle: ') });
  });

  test('finds a tree of a later moment, although the ledger has signed it for that export', async () => {
    const bundle = await mkdtemp(join(folder, 'later-'));
    await cp(join(folder, 'bundle'), bundle, { recursive: true });
    const [, exportId] = /^export ([0-9a-f]{32})$/m.exec(await readFile(join(bundle, 'trees'), 'utf8')) ?? [];
    const tree = `content/${(await readdir(join(bundle, 'content')))[0]}`;
    await rm(join(bundle, tree), { recursive: true });
    await cp(join(folder, 'hashes', tree), join(bundle, tree), { recursive: true });
    const answer = await fetch(`${gateway.url}/api/v1/ledger/${tree}/holding?size=280&records=none&export=${exportId}`, { headers: { authorization } });
    await writeFile(join(bundle, tree, 'holding'), ((await answer.json()) as { readonly holding: string }).holding);
    expect(await run(auditor, [bundle])).toMatchObject({
      code: 1,
      out: expect.stringContaining(`${tree}: it has 280 records, and the list of the trees has 270 of it: it is of another moment`),
    });
  });

  test('gives the ledger its next key, which those who trust the one before learn', async () => {
    const key = /^ {4}(ledger\.example\+\S+)$/m.exec(await readFile(join(folder, 'bundle', 'README.md'), 'utf8'))?.[1] ?? '';
    expect(await run(streams, ['audit', 'rotate-key', '--reason', 'a test', ...api()])).toMatchObject({
      code: 0,
      out: expect.stringContaining('key number 2'),
    });
    await publish(280, 281);
    const known = async (): Promise<string[]> =>
      ((await (await fetch(`${gateway.url}/api/v1/ledger`, { headers: { authorization } })).json()) as { keys: string[] }).keys;
    // The gateway looks again after a few seconds.
    while ((await known()).length < 2) await new Promise((again) => setTimeout(again, 100));
    const keys = await known();
    for (const trusted of keys) expect(await run(streams, ['audit', 'verify', '--trust', trusted, ...api()])).toMatchObject({ code: 0 });
    expect(keys[0]).toBe(key);
    expect((await run(streams, ['audit', 'rotate-key', ...api()])).code).toBe(2);
  });

  test('names what was changed in a bundle', async () => {
    const bundle = join(folder, 'bundle');
    const partition = (await readdir(join(bundle, 'content')))[0] ?? '';
    const file = join(bundle, 'content', partition, 'records', '000');
    const bytes = await readFile(file);
    await writeFile(file, Buffer.from(bytes.toString('latin1').replace('origin.example/42"', 'origin.example/43"'), 'latin1'));
    const { code, out } = await run(auditor, [bundle]);
    expect(code).toBe(1);
    expect(out).toMatch(new RegExp(`✗ altered +content/${partition}: record 42 of the ledger is another one: at offset 42, event e-42`));
    await writeFile(file, bytes.subarray(0, -7));
    expect(await run(auditor, [bundle])).toMatchObject({ code: 1, out: expect.stringContaining('cut off') });
    await rm(file);
    expect(await run(auditor, [bundle])).toMatchObject({ code: 1 });
  });

  test('names what is altered on the disk under a platform that runs, and has read it before', async () => {
    const path = join(logFolder, 'log', 'events.sqlite');
    overwrite(path, 'origin.example/42"', 'origin.example/xx"');
    expect(await run(streams, ['audit', 'verify', ...api()])).toMatchObject({
      code: 1,
      out: expect.stringMatching(/✗ altered .*at offset 42, event e-42[^]*^1 finding: this is not/m),
    });
    overwrite(path, 'origin.example/xx"', 'origin.example/42"');
  });

  test('names what is missing when the low watermark is raised under the log', async () => {
    const partition = (await readdir(join(folder, 'hashes', 'content')))[0] ?? '';
    const file = new DatabaseSync(join(logFolder, 'log', 'events.sqlite'));
    expect(await run(streams, ['audit', 'verify', ...api()])).toMatchObject({ code: 0 });
    file.prepare("UPDATE partition SET low = 3 WHERE number = ? AND topic = (SELECT id FROM topic WHERE name = 'content')").run(Number(partition));
    file.close();
    const dropped = new RegExp(`✗ dropped +content/${partition}: record 0 of the ledger is missing; another one stands in its place: at offset 3, event e-3`);
    expect(await run(streams, ['audit', 'verify', ...api()])).toMatchObject({ code: 1, out: expect.stringMatching(dropped) });
    const lost = join(folder, 'lost');
    expect(await run(streams, ['audit', 'export', lost, ...api()])).toMatchObject({ code: 0 });
    expect(await run(auditor, [lost])).toMatchObject({ code: 1, out: expect.stringMatching(dropped) });
  });

  test('says what it cannot verify', async () => {
    expect(await run(auditor, [])).toMatchObject({ code: 2, err: expect.stringContaining('--cosigners') });
    expect(await run(auditor, [join(folder, 'nothing')])).toMatchObject({ code: 2, err: expect.stringContaining('is no bundle') });
    expect(await run(auditor, [folder, '--nonsense'])).toMatchObject({ code: 2 });
    expect(await run(streams, ['audit', 'verify', '--log', ...api()])).toMatchObject({ code: 2, err: expect.stringContaining('--offline') });
  });
});
