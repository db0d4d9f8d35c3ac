import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Platform, until } from '../../../test/constellation/platform.ts';

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const main = join(import.meta.dirname, '../main.js');

/** The real command as a process, as a user runs it. */
function streams(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Run> & { readonly end: () => void; readonly soFar: () => string } {
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const done = new Promise<Run>((resolve) => child.on('close', (code) => resolve({ code, out, err })));
  return Object.assign(done, { end: () => void child.kill('SIGINT'), soFar: () => out });
}

describe('the streams command, on a running platform', () => {
  let platform: Platform;
  let env: Readonly<Record<string, string>>;
  beforeAll(async () => {
    platform = await Platform.start();
    env = { STREAMS_DATA_DIR: platform.dataDir, GATEWAY_PORT: String(platform.ports.gateway), STREAMS_URL: '', STREAMS_KEY: '' };
  });
  afterAll(() => platform?.stop());

  test('starts, shows, lists and stops a stream', async () => {
    const started = await streams(
      env,
      'stream',
      'start',
      'Garden',
      '--grace',
      '60',
      '--rung',
      '240p:240:400000',
      '--sound',
      '0:en',
      '--sound',
      '1:de:Kommentar',
      '--json',
    );
    expect(started).toMatchObject({ code: 0, err: '' });
    const { id, streamKey, ingest } = JSON.parse(started.out) as { id: string; streamKey: string; ingest: { primary: string } };
    expect(streamKey.startsWith(`${id}-`)).toBe(true);
    expect(ingest.primary).toBe(`rtmp://127.0.0.1:${platform.ports.rtmp}/live`);

    const shown = await streams(env, 'stream', 'show', id);
    expect(shown).toMatchObject({ code: 0, err: '' });
    expect(shown.out).toContain(`${id}  Garden\n  status      created`);
    const { settings } = JSON.parse((await streams(env, 'stream', 'show', id, '--json')).out) as { settings: { audioTracks: unknown } };
    expect(settings.audioTracks).toEqual([
      { track: 0, language: 'en' },
      { track: 1, language: 'de', label: 'Kommentar' },
    ]);
    expect(await streams(env, 'stream', 'start', 'Garden', '--sound', '1')).toMatchObject({ code: 2, err: expect.stringContaining('TRACK:LANGUAGE') });

    expect(await streams(env, 'stream', 'stop', id)).toMatchObject({ code: 0, out: `Stream ${id} has ended; nothing was ever published to it.\n` });
    const shownAgain = await streams(env, 'stream', 'show', id, '--json');
    expect(JSON.parse(shownAgain.out)).toMatchObject({ id, status: 'stopped' });

    const listed = await streams(env, 'stream', 'list', '--json');
    const { items } = JSON.parse(listed.out) as { items: Array<{ name: string }> };
    expect(items.map((one) => one.name)).toContain('Garden');
    expect((await streams(env, 'stream', 'list')).out).toMatch(/^ID +STATUS +LENGTH +CREATED +NAME\n/);
  });

  test('the first start made a stream and an admin key that only its owner reads', async () => {
    expect(platform.log).toMatch(/My stream \(st-[a-z0-9]+\)/);
    expect(statSync(join(platform.dataDir, 'admin-key')).mode & 0o777).toBe(0o600);
  });

  test('keeps everything that it writes from other users', () => {
    const entries = readdirSync(platform.dataDir, { recursive: true, withFileTypes: true });
    // Each database closes itself, and may lie elsewhere.
    const ours = entries.map((entry) => join(entry.parentPath, entry.name)).filter((path) => !path.includes('/postgres'));
    // What is on its way to another name may have got there.
    const open = ours.filter((path) => ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0);
    expect(ours.map((path) => path.slice(platform.dataDir.length))).toEqual(expect.arrayContaining(['/log/events.sqlite', '/blobs', '/admin-key']));
    expect(open).toEqual([]);
  });

  test('lists and follows events', async () => {
    const listed = await streams(env, 'events', 'list', '--context', 'stream', '--json');
    expect((JSON.parse(listed.out) as { items: Array<{ type: string }> }).items.map((one) => one.type)).toContain('stream.created');

    const tail = streams(env, 'events', 'tail', '--from', 'beginning', '--type', 'stream.created', '--json');
    await until(
      () => tail.soFar().includes('"My stream"'),
      20_000,
      () => `The past was not told:\n${tail.soFar()}`,
    );
    const { out } = await streams(env, 'stream', 'start', 'Followed', '--json');
    const { id } = JSON.parse(out) as { id: string };
    await until(
      () => tail.soFar().includes(`"${id}"`),
      20_000,
      () => `The new stream was not told:\n${tail.soFar()}`,
    );
    tail.end();
    const followed = await tail;
    expect(followed).toMatchObject({ code: 0, err: '' });
    const types = followed.out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(new Set(types)).toEqual(new Set(['stream.created']));
  });

  test('purges and waits for every edge', async () => {
    const { code, out } = await streams(env, 'purge', `${platform.edgeUrl}/live/none/master.m3u8`);
    expect(out).toMatch(/^Purge pg-[a-z0-9]+ is applied\.\n {2}edge-1: \d+ objects forgotten after \d+ ms\n$/);
    expect(code).toBe(0);
  });

  test('warms every edge, and tells what came of it', async () => {
    const dry = await streams(env, 'cdn', 'warm', '/live/time', '/ledger/v1/keys', '--dry-run');
    expect([dry.out, dry.err]).toEqual([
      expect.stringMatching(/^Nothing is fetched\. wm-[a-z0-9]+ only looks:\n {2}edge-1: 2 URLs: \d there already, \d would be fetched/),
      '',
    ]);
    const { code, err, out } = await streams(env, 'cdn', 'warm', '/ledger/v1/keys', '/live/none/master.m3u8');
    expect(out).toMatch(
      /^Warming wm-[a-z0-9]+ is done\.\n {2}edge-1: 2 URLs: \d there already, \d fetched \(0\.0 MB\), 1 failed\n {4}\/live\/none\/master\.m3u8: The origin answered with status 404\.\n$/,
    );
    expect([code, err]).toEqual([1, expect.stringContaining('1 failed.')]);
    expect((await streams(env, 'cdn', 'warm', '/ledger/v1/keys')).code).toBe(0);
    const [unknown, nowhere] = [await streams(env, 'cdn', 'warm', '/a', '--edge', 'nonesuch'), await streams(env, 'cdn', 'warm', '/a', '--region', 'nowhere')];
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('There is no edge nonesuch.')]);
    expect([nowhere.code, nowhere.err]).toEqual([1, expect.stringContaining('no edge that wm-')]);
    const refused = await streams(env, 'cdn', 'warm', 'nonsense');
    expect([refused.code, refused.err]).toEqual([expect.any(Number), expect.stringContaining('urls.0')]);
    const unheard = await streams(env, 'cdn', 'warm', '--top', '5', '--region', 'nowhere');
    expect([unheard.code, unheard.err]).toEqual([expect.any(Number), expect.stringContaining('No edge of the region nowhere has told of anything')]);
    const unclear = await streams(env, 'cdn', 'warm', '--top', '5', '--region', 'a', '--region', 'b');
    expect([unclear.code, unclear.err]).toEqual([1, expect.stringContaining('--of-region')]);
  }, 60_000);

  test('makes a key that may do only what it is for', async () => {
    const made = await streams(env, 'key', 'create', 'viewer', '--scopes', 'view', '--ttl', '60', '--json');
    const { key } = JSON.parse(made.out) as { key: string };
    expect((await streams(env, 'stream', 'list', '--key', key)).code).toBe(0);
    const refused = await streams(env, 'stream', 'start', 'No', '--key', key);
    expect(refused.code).toBe(4);
    expect(refused.out).toBe('');
  });

  test('makes a tenant with a key of its own, which sees nothing else, and rotates it', async () => {
    expect(await streams(env, 'tenant', 'create', 'acme', 'Acme TV')).toMatchObject({ code: 0, err: '' });
    const made = await streams(
      env,
      'key',
      'create',
      'acme',
      '--tenant',
      'acme',
      '--scope',
      'publish',
      '--scope',
      'view',
      '--context',
      'stream',
      '--rate',
      '600',
      '--json',
    );
    const { id, key, tenant, ratePerMinute } = JSON.parse(made.out) as { id: string; key: string; tenant: string; ratePerMinute: number };
    expect([tenant, ratePerMinute]).toEqual(['acme', 600]);
    const listed = await streams(env, 'stream', 'list', '--key', key, '--json');
    expect(JSON.parse(listed.out)).toMatchObject({ items: [] });
    const rotated = JSON.parse((await streams(env, 'key', 'rotate', id, '--json')).out) as { key: string };
    expect((await streams(env, 'stream', 'list', '--key', key)).code).toBe(4);
    expect((await streams(env, 'stream', 'list', '--key', rotated.key)).code).toBe(0);
  });

  test('lists keys and revokes one', async () => {
    const made = JSON.parse((await streams(env, 'key', 'create', 'for a day', '--scopes', 'view', '--json')).out) as { id: string; key: string };
    await until(
      async () => (await streams(env, 'key', 'list')).out.includes(made.id),
      20_000,
      () => 'The new key is not listed.',
    );
    expect((await streams(env, 'key', 'list')).out).not.toContain(made.key);
    expect(await streams(env, 'key', 'revoke', made.id, '--reason', 'lost')).toMatchObject({ code: 0, err: '' });
    const refused = await streams(env, 'stream', 'list', '--key', made.key);
    expect(refused.code).toBe(4);
    expect(await streams(env, 'key', 'revoke', 'k-none')).toMatchObject({ code: 1, out: '' });
  });

  test('says what is wrong in a sentence, with its own exit code', async () => {
    const stranger = await streams({ ...env, STREAMS_KEY: 'sk_k-nobody_00000000000000000000000000' }, 'stream', 'list');
    expect(stranger.code).toBe(4);
    expect(stranger.err).toContain('The key is not accepted');
    expect(await streams(env, 'stream', 'show', 'st-aaaaaaaaaaaaaaaa')).toMatchObject({ code: 1, err: 'There is no stream st-aaaaaaaaaaaaaaaa.\n' });
    expect((await streams(env, 'stream', 'list', '--url', 'http://127.0.0.1:1')).code).toBe(3);
    expect((await streams(env, 'stream', 'list', '--limit', 'many')).code).toBe(2);
    expect(await streams(env, 'nonsense')).toMatchObject({ code: 2, err: expect.stringContaining('(streams --help tells more)') });
    expect(await streams(env, 'keys')).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean key?') });
    expect(await streams(env, 'key', 'lost')).toMatchObject({ code: 2, err: expect.stringContaining('(streams key --help tells more)') });
    const wrong = await streams(env, 'stream', 'start', 'x', '--grace', '999999');
    expect(wrong).toMatchObject({ code: 1, err: 'body.graceSeconds: It must be at most 86400.\n' });
  });

  test('the doctor finds a healthy, running platform', async () => {
    const ports = Object.entries({
      GRPC_PORT: platform.ports.grpc,
      EDGE_PORT: platform.ports.edge,
      RTMP_PORT: platform.ports.rtmp,
      RTMP_BACKUP_PORT: platform.ports.rtmpBackup,
      RELAY_PORT: platform.ports.relay,
    });
    const { code, out } = await streams({ ...env, ...Object.fromEntries(ports.map(([name, port]) => [name, String(port)])) }, 'doctor', '--stream', '--json');
    const findings = JSON.parse(out) as Array<{ check: string; status: string; message: string }>;
    expect(findings.filter((one) => one.status === 'problem')).toEqual([]);
    expect(findings.find((one) => one.check === 'platform')?.message).toContain('running');
    expect(code).toBe(0);
    // A stream was really published, encoded, and played through the edge.
    const told = (check: string): string => findings.find((one) => one.check === check)?.message ?? '';
    expect(told('ingest')).toMatch(new RegExp(`let in at rtmp://127.0.0.1:${platform.ports.rtmp}/live after \\d+ ms`));
    expect(told('encode')).toMatch(/two segments of 1 s by libx264 after \d+ ms/);
    expect(told('play')).toMatch(new RegExp(`\\d+ frames decoded from http://127.0.0.1:${platform.ports.edge}/live/st-.*in parts`));
    expect(told('nothing left')).toContain('no list has it');
    const id = told('stream').split(' ')[0] as string;
    expect(JSON.parse((await streams(env, 'stream', 'show', id, '--json')).out)).toMatchObject({
      name: 'doctor',
      status: 'stopped',
      settings: { unlisted: true },
    });
    expect((await streams(env, 'stream', 'list', '--json')).out).not.toContain(id);
  });
});

describe('the doctor, without a platform', () => {
  test('tells of a stream that cannot be made what to do', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'streams-doctor-'));
    try {
      const { code, out } = await streams({ STREAMS_DATA_DIR: join(folder, 'data'), GATEWAY_PORT: '1', STREAMS_KEY: 'sk_x' }, 'doctor', '--stream');
      expect(out).toMatch(/✗ stream +Streams cannot be reached at .*start it with "npm start"/);
      expect(out).not.toMatch(/nothing left/);
      expect(code).toBe(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('names a data folder that cannot be made', async () => {
    const { code, out } = await streams({ STREAMS_DATA_DIR: '/proc/none', GATEWAY_PORT: '1' }, 'doctor');
    expect(out).toMatch(/✗ data folder +no folder can be made in \/proc/);
    expect(code).toBe(1);
  });

  test('names what is missing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'streams-doctor-'));
    try {
      const { code, out } = await streams({ STREAMS_DATA_DIR: join(folder, 'data'), FFMPEG_PATH: '/nowhere/ffmpeg', GATEWAY_PORT: '1' }, 'doctor');
      expect(out).toMatch(/✗ ffmpeg +ffmpeg is missing/);
      expect(out).toMatch(/✓ data folder +\S+ will be made at the first start/);
      expect(code).toBe(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
