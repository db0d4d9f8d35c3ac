import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { checkFfmpeg, tryEncode } from '../machine/ffmpeg.ts';
import { identify } from '../machine/process-identity.ts';
import { SmallPlatform, until } from '../testing/small-platform.ts';
import { stopOrder } from './supervisor.ts';

const apps = ['postgres', 'projector', 'gateway', 'ingest', 'media', 'edge'];

describe('the supervisor', () => {
  let platform: SmallPlatform;
  beforeEach(() => {
    platform = new SmallPlatform();
  });
  afterEach(() => platform.close());

  test('starts every app once and says when all of them serve', async () => {
    platform.spawn();
    await platform.ready();
    expect(
      platform
        .alive()
        .map((entry) => entry.name)
        .sort(),
    ).toEqual([...apps].sort());
  });

  test('keeps the password of the database out of the log', async () => {
    platform.spawn();
    await platform.ready();
    expect(platform.log).toContain('postgresql://streams@127.0.0.1');
    expect(platform.log).not.toContain('secret');
  });

  test('starts a killed app again', async () => {
    platform.spawn();
    await platform.ready();
    const victim = platform.alive().find((entry) => entry.name === 'media')?.pid ?? 0;
    process.kill(victim, 'SIGKILL');
    await until(() => platform.alive().some((entry) => entry.name === 'media' && entry.pid !== victim), 'a new media');
    expect(platform.alive()).toHaveLength(apps.length);
  });

  test('ends a frozen app, starts it again, and says so', async () => {
    platform.spawn([], { STREAMS_FROZEN_AFTER_MS: '3000' });
    await platform.ready();
    const victim = platform.alive().find((entry) => entry.name === 'edge')?.pid ?? 0;
    process.kill(victim, 'SIGSTOP');
    await until(() => platform.alive().some((entry) => entry.name === 'edge' && entry.pid !== victim), 'a new edge');
    expect(platform.alive()).toHaveLength(apps.length);
    expect(platform.log).toContain('"msg":"edge is frozen: it has said nothing for 3 s; ending it"');
    await until(() => platform.log.includes('"restarts":"frozen:1"'), 'the new edge to know why it runs');
    expect(platform.log).not.toContain('alive');
  });

  test('starts an app that keeps crashing ever more slowly', async () => {
    platform.spawn(['edge=crash']);
    await until(() => platform.log.includes('in 3200 ms'), 'the fourth delay');
    const delays = [...platform.log.matchAll(/edge ended with code 7; starting it again in (\d+) ms/g)].map((match) => Number(match[1]));
    expect(delays.slice(0, 4)).toEqual([50, 200, 800, 3200]);
  });

  test('on Ctrl-C ends the apps in order and itself with 0', async () => {
    const child = platform.spawn();
    await platform.ready();
    child.kill('SIGINT');
    expect(await platform.ended(child)).toBe(0);
    const ends = platform
      .diary()
      .filter((entry) => entry.what === 'ended')
      .map((entry) => entry.name);
    const step = (name: string): number => stopOrder.findIndex((one) => one.apps.some((app) => app === name));
    expect(ends.toSorted()).toEqual(apps.toSorted());
    expect(ends.map(step)).toEqual(ends.map(step).toSorted((a, b) => a - b));
    expect(platform.alive()).toEqual([]);
  });

  test.each(['gateway', 'postgres', 'edge'])('on Ctrl-C while %s is still starting ends everything and itself with 0', async (slow) => {
    const child = platform.spawn([`${slow}=starting`]);
    await until(() => platform.diary().some((entry) => entry.name === slow), 'an app that is not ready');
    child.kill('SIGINT');
    expect(await platform.ended(child)).toBe(0);
    expect(platform.log).toContain('everything has ended');
    expect(platform.alive()).toEqual([]);
  });

  test('may take at most ten seconds to end', () => {
    expect(stopOrder.reduce((sum, step) => sum + step.graceMs, 0)).toBeLessThan(10_000);
  });

  test('ends an app that does not listen by force', async () => {
    const child = platform.spawn(['gateway=deaf']);
    await platform.ready();
    child.kill('SIGTERM');
    expect(await platform.ended(child)).toBe(0);
    expect(platform.diary().filter((entry) => entry.what === 'ignored')).toHaveLength(1);
    expect(platform.alive()).toEqual([]);
  });

  test('a second Ctrl-C ends everything at once', async () => {
    const child = platform.spawn(['gateway=deaf', 'media=deaf', 'projector=deaf']);
    await platform.ready();
    child.kill('SIGINT');
    await until(() => platform.diary().some((entry) => entry.what === 'ignored'), 'the first end');
    const impatience = setInterval(() => child.kill('SIGINT'), 300);
    expect(await platform.ended(child)).toBe(0);
    clearInterval(impatience);
    // Nobody waited for the second deaf app to be asked.
    expect(platform.diary().filter((entry) => entry.what === 'ignored')).toHaveLength(1);
    expect(platform.alive()).toEqual([]);
  });

  test('killed with -9, takes its apps with it', async () => {
    const child = platform.spawn();
    await platform.ready();
    child.kill('SIGKILL');
    await until(() => platform.alive().length === 0, 'every app to end');
  });

  test('sweeps what a killed supervisor left behind, and nobody else', async () => {
    const first = platform.spawn(['media=parent', 'edge=deaf']);
    await platform.ready();
    first.kill('SIGKILL');
    await until(() => platform.alive().length === 2, 'the grandchild and the deaf app alone to be left');
    const leftovers = platform.alive().map((entry) => entry.pid);
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore', detached: true });
    await once(stranger, 'spawn');
    // As if the stranger had been given the number of an old app of ours.
    const old = { pid: stranger.pid, started: '1', boot: identify(process.pid)?.boot, run: 'an-old-run' };
    writeFileSync(join(platform.dataDir, 'run/ingest.pid.json'), JSON.stringify(old));
    writeFileSync(join(platform.dataDir, 'run/gateway.pid.json'), '{"pid":');
    try {
      platform.spawn();
      await until(() => platform.log.split('everything is ready').length === 3, `the second start\n${platform.log}`);
      expect(leftovers.filter((pid) => identify(pid) !== undefined)).toEqual([]);
      expect(identify(stranger.pid ?? 0)).toBeDefined();
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  test('refuses a data folder that another one runs on', async () => {
    const first = platform.spawn();
    await platform.ready();
    const second = platform.spawn();
    expect(await platform.ended(second)).toBe(2);
    expect(platform.log).toContain(
      `Streams already runs on the data folder ${platform.dataDir} (process ${first.pid}): stop it first, or set STREAMS_DATA_DIR to another folder.`,
    );
    expect(platform.alive()).toHaveLength(apps.length);
  });

  test('names a taken port, its holder and the variable that moves it', async () => {
    const server = createServer().listen(0, '0.0.0.0');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const child = platform.spawn([], { RTMP_PORT: String(port) });
    expect(await platform.ended(child)).toBe(2);
    server.close();
    expect(platform.log).toMatch(
      new RegExp(`Port ${port} is taken by \\S+ \\(process ${process.pid}\\): stop that program, or set RTMP_PORT to a free port\\.`),
    );
    expect(platform.diary()).toEqual([]);
  });

  test('gives up an app that cannot start, with its own reason', async () => {
    const child = platform.spawn(['projector=refuse']);
    expect(await platform.ended(child)).toBe(1);
    expect(platform.log).toContain('projector cannot start: the data folder is damaged: restore it from a backup');
    expect(platform.diary().filter((entry) => entry.what === 'began' && entry.name === 'projector')).toHaveLength(3);
    expect(platform.alive()).toEqual([]);
  });

  test('does not start an app again that says that its settings are wrong', async () => {
    const child = platform.spawn(['projector=misconfigured']);
    expect(await platform.ended(child)).toBe(1);
    expect(platform.log).toContain('projector cannot start: this database belongs to another log');
    expect(platform.diary().filter((entry) => entry.what === 'began' && entry.name === 'projector')).toHaveLength(1);
  });

  test('does not say that ffmpeg is missing when it only answers late', async () => {
    const late = join(platform.folder, 'ffmpeg');
    writeFileSync(late, '#!/bin/sh\nexec sleep 60\n', { mode: 0o700 });
    await expect(checkFfmpeg(late, 300)).rejects.toThrow('did not answer within 0.3 s: the machine is too busy');
    // Its child goes on, and holds the pipes for a minute.
    writeFileSync(late, '#!/bin/sh\nsleep 60\n', { mode: 0o700 });
    await expect(checkFfmpeg(late, 300)).rejects.toThrow('did not answer within 0.3 s: the machine is too busy');
  });

  test('says that a program is not ffmpeg, though it runs', async () => {
    const other = join(platform.folder, 'other');
    writeFileSync(other, '#!/bin/sh\necho hello\n', { mode: 0o700 });
    expect(await tryEncode(other)).toBe('it made no MP4');
    const child = platform.spawn([], { FFMPEG_PATH: other });
    expect(await platform.ended(child)).toBe(2);
    expect(platform.log).toContain(`${other} is not ffmpeg`);
  });

  test('says that ffmpeg is missing', async () => {
    const child = platform.spawn([], { FFMPEG_PATH: '/nowhere/ffmpeg' });
    expect(await platform.ended(child)).toBe(2);
    expect(platform.log).toContain('ffmpeg is missing (/nowhere/ffmpeg cannot be run)');
  });

  test('says that the data folder is no folder', async () => {
    writeFileSync(platform.dataDir, 'a file');
    const child = platform.spawn();
    expect(await platform.ended(child)).toBe(2);
    expect(platform.log).toContain(`The data folder ${platform.dataDir} is not a folder`);
  });

  test.each([
    ['where nothing can be made', '/proc/x', 'cannot be made there: set STREAMS_DATA_DIR to a folder on a disk.'],
    ['below that', '/proc/x/y/z', 'cannot be made there: set STREAMS_DATA_DIR to a folder on a disk.'],
    ['on a read-only file system', '/sys/x', 'set STREAMS_DATA_DIR'],
  ])('says that the data folder cannot be %s', async (_what, dataDir, sentence) => {
    const child = platform.spawn([], { STREAMS_DATA_DIR: dataDir });
    expect(await platform.ended(child)).toBe(2);
    expect(platform.log).toContain(`The data folder ${dataDir} `);
    expect(platform.log).toContain(sentence);
    expect(platform.log.trim().split('\n')).toHaveLength(1);
  });

  test('makes a data folder that others cannot look into, and closes one that was open', async () => {
    const modeOf = (...path: readonly string[]): number => statSync(join(platform.dataDir, ...path)).mode & 0o777;
    const own = process.getuid?.() === 0 ? 0o711 : 0o700;
    const first = platform.spawn();
    await platform.ready();
    expect([modeOf(), modeOf('run'), modeOf('run/ports.json')]).toEqual([own, 0o700, 0o600]);
    expect(platform.log).not.toContain('closed to other users');
    first.kill('SIGINT');
    await platform.ended(first);
    mkdirSync(join(platform.dataDir, 'blobs'));
    for (const room of ['', 'blobs']) chmodSync(join(platform.dataDir, room), 0o755);
    platform.spawn();
    await until(() => platform.log.split('everything is ready').length === 3, `the second start\n${platform.log}`);
    expect([modeOf(), modeOf('blobs')]).toEqual([own, 0o700]);
    expect(platform.log).toContain(`closed to other users: ${platform.dataDir}, ${join(platform.dataDir, 'blobs')}"`);
  });

  test('says that the event log is damaged, once, and starts nothing on it', async () => {
    mkdirSync(join(platform.dataDir, 'log'), { recursive: true });
    writeFileSync(join(platform.dataDir, 'log/events.sqlite'), 'x'.repeat(10_000));
    const child = platform.spawn();
    expect(await platform.ended(child)).toBe(1);
    expect(platform.log.trim()).toBe(
      `The event log ${join(platform.dataDir, 'log/events.sqlite')} is damaged. Restore it from a backup, or move it away to begin with an empty log.`,
    );
    expect(platform.diary()).toEqual([]);
  });

  test('says that the event log is gone, and starts nothing on a database without it', async () => {
    const postgres = join(platform.dataDir, 'postgres');
    mkdirSync(postgres, { recursive: true });
    writeFileSync(join(postgres, 'PG_VERSION'), '18\n');
    const child = platform.spawn();
    expect(await platform.ended(child)).toBe(1);
    expect(platform.log.trim()).toBe(
      `There is a database in ${postgres}, but no event log in ${join(platform.dataDir, 'log/events.sqlite')}, which it was made from. Put the log back, or move ${postgres} away, too, to begin anew.`,
    );
    expect(platform.diary()).toEqual([]);
  });

  test('says that its lock file is damaged', async () => {
    mkdirSync(join(platform.dataDir, 'run'), { recursive: true });
    writeFileSync(join(platform.dataDir, 'run/supervisor.lock'), 'x'.repeat(5000));
    const child = platform.spawn();
    expect(await platform.ended(child)).toBe(2);
    expect(platform.log).toContain('run/supervisor.lock in the data folder');
  });
});
