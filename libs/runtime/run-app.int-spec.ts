import { afterEach, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';

const runtime = new URL('./index.js', import.meta.url).href;
const cleanups: Array<() => unknown> = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** Starts a process that runs an app whose `serve` is the given source. */
async function app(
  serve: string,
  env: Record<string, string> = {},
): Promise<{ child: ChildProcess; lines: Array<Record<string, unknown>>; ended: Promise<unknown[]> }> {
  const folder = await mkdtemp(join(tmpdir(), 'streams-app-'));
  const file = join(folder, 'app.mjs');
  await writeFile(
    file,
    `import { runApp, readSharedSettings, settingsOrEnd } from ${JSON.stringify(runtime)};
     class Root {}
     await runApp({ name: 'probe', settings: await settingsOrEnd('probe', readSharedSettings), module: () => ({ module: Root }), drainDeadlineMs: 300, serve: (app, { lifecycle }) => { setInterval(() => {}, 1000); ${serve} } });`,
  );
  const child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  const lines: Array<Record<string, unknown>> = [];
  child.stdout?.on('data', (chunk: Buffer) =>
    lines.push(
      ...chunk
        .toString()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    ),
  );
  cleanups.push(
    () => child.kill('SIGKILL'),
    () => rm(folder, { recursive: true }),
  );
  return { child, lines, ended: once(child, 'exit') };
}

async function ready(lines: ReadonlyArray<Record<string, unknown>>): Promise<void> {
  while (!lines.some((line) => line['ready'] === true)) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('an app process', () => {
  test.each(['SIGTERM', 'SIGHUP'] as const)('says that it is ready, drains on %s and exits 0', async (signal) => {
    const { child, lines, ended } = await app(`lifecycle.onStop('work', 'w', () => new Promise((done) => setTimeout(done, 50))); return { port: 7 };`);
    await ready(lines);
    expect(lines[0]).toMatchObject({ name: 'probe', node: 'node-1', pid: child.pid, level: 'info', ready: true, port: 7, msg: 'probe is ready' });
    child.kill(signal);
    expect(await ended).toEqual([0, null]);
    expect(lines.at(-1)).toMatchObject({ msg: 'stopped' });
  });

  test('ends with its supervisor', async () => {
    const { child, lines, ended } = await app('', { STREAMS_SUPERVISED: '1' });
    await ready(lines);
    child.stdin?.end();
    expect(await ended).toEqual([0, null]);
  });

  test('ends even if a part hangs', async () => {
    const { child, lines, ended } = await app(`lifecycle.onStop('work', 'w', () => new Promise(() => {}));`);
    await ready(lines);
    child.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
  });

  test.each(['LOG_FOREIGN', 'DATABASE_REFUSED', 'REDIS_REFUSED', 'BLOB_STORE_REFUSED'])(
    'ends with code 2 when another start would not help: %s',
    async (code) => {
      const { lines, ended } = await app(`throw Object.assign(new Error('not with these settings'), { code: '${code}' });`);
      expect(await ended).toEqual([2, null]);
      expect(lines.at(-1)).toMatchObject({ level: 'fatal', msg: 'probe cannot start: not with these settings' });
    },
  );

  test('ends with code 2 and a line for every setting that cannot be used', async () => {
    const { lines, ended } = await app('', { STREAMS_NODE: 'no name', LOG_FORMAT: 'odd' });
    expect(await ended).toEqual([2, null]);
    expect(lines.map(({ level, setting, msg }) => [level, setting, msg])).toEqual([
      ['fatal', 'STREAMS_NODE', expect.stringMatching(/^probe cannot start: The setting STREAMS_NODE must match .*, but is "no name"\.$/)],
      ['fatal', 'LOG_FORMAT', 'probe cannot start: The setting LOG_FORMAT must be one of json, pretty, but is "odd".'],
    ]);
  });

  test.each([
    ['a rejection that nobody handled', `setTimeout(() => void Promise.reject(new Error('lost it')), 5);`],
    ['an exception that nobody caught', `setTimeout(() => { throw new Error('lost it'); }, 5);`],
    ['a start that fails', `throw new Error('lost it');`],
  ])('ends with code 1 and a line that says why after %s', async (_what, serve) => {
    const { lines, ended } = await app(serve);
    expect(await ended).toEqual([1, null]);
    expect(lines.at(-1)).toMatchObject({ level: 'fatal', err: { message: 'lost it' } });
  });
});
