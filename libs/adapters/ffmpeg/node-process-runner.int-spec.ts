import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { RunningProcess } from '#ports';
import { NodeProcessRunner, probeFfmpeg } from './index.ts';
import { startOf } from './process-identity.ts';

let folder: string;
let runner: NodeProcessRunner;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-runner-'));
  runner = new NodeProcessRunner({ runPath: join(folder, 'run'), graceMs: 300 });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const shell = (script: string, outputs: readonly number[] = [1]): Promise<RunningProcess> =>
  runner.start({ program: '/bin/sh', argv: ['-c', script], outputs });

async function textOf(running: RunningProcess, fd: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of running.output(fd)) text += decoder.decode(chunk, { stream: true });
  return text;
}

/** The pid that a script writes on its standard output. */
async function firstPid(running: RunningProcess): Promise<number> {
  for await (const chunk of running.output(1)) return Number(new TextDecoder().decode(chunk));
  throw new Error('no pid');
}

async function gone(pid: number): Promise<boolean> {
  for (let n = 0; n < 200; n++) {
    if ((await startOf(pid)) === undefined) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

describe('running', () => {
  test('standard input goes in, extra pipes come out, the log is kept', async () => {
    const running = await shell('cat >&3; echo two >&4; echo words >&2; exit 3', [3, 4]);
    await running.write(new TextEncoder().encode('hello'));
    running.endInput();
    expect(await Promise.all([textOf(running, 3), textOf(running, 4)])).toEqual(['hello', 'two\n']);
    expect(await running.exited).toEqual({ code: 3, signal: null, asked: false, lastLines: ['words'] });
  });

  test('what a child wrote is there for whoever reads it after its end', async () => {
    const running = await shell('echo one; echo three >&3', [1, 3]);
    await running.exited;
    expect(await Promise.all([textOf(running, 1), textOf(running, 3)])).toEqual(['one\n', 'three\n']);
  });

  test('what has time gives way to others', async () => {
    const running = await runner.start({ program: '/bin/sh', argv: ['-c', 'read go; nice'], outputs: [1], niceness: 7 });
    await running.write(new TextEncoder().encode('go\n'));
    expect(await textOf(running, 1)).toBe('7\n');
  });

  test('the environment is empty', async () => {
    const running = await runner.start({ program: '/usr/bin/env', argv: [], outputs: [1] });
    expect(await textOf(running, 1)).toBe('');
  });

  test('a child that does not read holds the writer up, and what is queued is bounded', async () => {
    const running = await shell('sleep 60');
    const chunk = new Uint8Array(65_536);
    let written = 0;
    const writing = (async () => {
      for (; written < 1000; written++) await running.write(chunk);
    })();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(written).toBeLessThan(10);
    expect(running.queuedBytes).toBeLessThan(1_000_000);
    await running.kill();
    await writing;
  });

  test('SIGINT ends a polite child, SIGKILL a rude one; its whole group goes with it', async () => {
    const polite = await shell('trap "exit 9" INT; echo $$; while :; do sleep 0.05; done');
    await firstPid(polite);
    expect(await polite.stop()).toMatchObject({ code: 9, asked: true });
    const rude = await shell('trap "" INT; sleep 60 & echo $!; wait; wait');
    const grandchild = await firstPid(rude);
    expect(await rude.stop()).toMatchObject({ signal: 'SIGKILL', asked: true });
    expect(await gone(grandchild)).toBe(true);
  });

  test('a missing program is one clear error', async () => {
    await expect(runner.start({ program: '/nowhere/ffmpeg', argv: [], outputs: [] })).rejects.toMatchObject({ code: 'PROGRAM_NOT_FOUND' });
  });

  test('a child that ran leaves no record', async () => {
    const running = await shell('true');
    await running.exited;
    expect((await readdir(join(folder, 'run'))).filter((name) => name.startsWith('child'))).toEqual([]);
  });
});

describe('sweeping', () => {
  const record = (pid: number, start: string): Promise<void> =>
    writeFile(join(folder, 'run', `child-${pid}.json`), JSON.stringify({ pid, start, ownerPid: 2_000_000_000, ownerStart: 'long ago' }));

  test('children of a process that is gone are killed; our own and strangers are not', async () => {
    const own = await shell('sleep 60');
    const orphan = spawn('/bin/sleep', ['60'], { detached: true, stdio: 'ignore' });
    const stranger = spawn('/bin/sleep', ['60'], { detached: true, stdio: 'ignore' });
    await Promise.all([once(orphan, 'spawn'), once(stranger, 'spawn')]);
    await record(orphan.pid as number, (await startOf(orphan.pid as number)) as string);
    // Its pid was used by a child of ours before it got it.
    await record(stranger.pid as number, '1');
    await writeFile(join(folder, 'run', 'child-77.json'), 'not json');
    const strangerEnds = once(stranger, 'exit');
    expect(await runner.sweep()).toBe(1);
    expect(await gone(orphan.pid as number)).toBe(true);
    expect(await startOf(stranger.pid as number)).toBeDefined();
    expect(await startOf(own.pid)).toBeDefined();
    expect(await readdir(join(folder, 'run'))).toEqual([`child-${own.pid}.json`]);
    stranger.kill('SIGKILL');
    await strangerEnds;
    await own.kill();
  });
});

describe('probe', () => {
  test('the ffmpeg of this machine is found and really encodes', async () => {
    const found = await probeFfmpeg(runner, { named: 'ffmpeg', searchPath: process.env['PATH'] ?? '' });
    expect(found.program).toMatch(/^\/.*ffmpeg$/);
    expect(found.version).toMatch(/\d/);
  });

  test.each([
    ['ffmpeg', '/nowhere', 'FFMPEG_MISSING'],
    ['/bin/echo', '', 'FFMPEG_UNFIT'],
  ])('%s looked up in "%s": %s, and what to do', async (named, path, code) => {
    await expect(probeFfmpeg(runner, { named, searchPath: path })).rejects.toMatchObject({ code, message: expect.stringContaining('apt install ffmpeg') });
  });

  test.each([
    ['says its version too late', 'exec sleep 60'],
    ['has begun to answer', 'echo ffmpeg version 6.0; exec sleep 60'],
  ])('a program that %s is not judged by it', async (_what, script) => {
    const named = join(folder, 'ffmpeg');
    await writeFile(named, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
    const late = { code: 'FFMPEG_SLOW', retryable: true, message: expect.stringContaining('did not answer within 0.3 s: the machine is too busy') };
    await expect(probeFfmpeg(runner, { named, searchPath: '', withinMs: 300 })).rejects.toMatchObject(late);
  });
});
