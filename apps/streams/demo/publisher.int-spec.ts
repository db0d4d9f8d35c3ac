import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../testing/small-platform.ts';
import { publishForever } from './publisher.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'streams-demo-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A program in ffmpeg's place that notes that it was started. */
function ffmpegThat(does: string): string {
  const path = join(folder, 'ffmpeg');
  writeFileSync(path, `#!/bin/sh\necho x >> ${folder}/runs\n${does}\n`);
  chmodSync(path, 0o755);
  return path;
}

const runs = (): number => readFileSync(join(folder, 'runs'), 'utf8').trim().split('\n').length;

test('the demo publishes again after every break, tells no key, and ends when it is told to', async () => {
  const said: Array<readonly [level: string, msg: string, fields: unknown]> = [];
  const stopping = new AbortController();
  // Asked what it can encode, it writes the head of an MP4 file.
  const ffmpegPath = ffmpegThat('echo ftyp\necho "rtmp://127.0.0.1:1/live/st-1-secret: Broken pipe" >&2');
  const settings = { url: 'rtmp://127.0.0.1:1/live/st-1-secret', ffmpegPath, supervised: false };
  const publishing = publishForever(settings, (level, msg, fields) => said.push([level, msg, fields]), stopping.signal);
  await until(() => said.filter(([, msg]) => msg.includes('publishing again')).length >= 3, 'three breaks');
  stopping.abort();
  await publishing;
  expect(said[0]).toEqual(['info', 'publishing the test picture', { ready: true }]);
  expect(JSON.stringify(said)).toContain('rtmp://127.0.0.1:1/live/***: Broken pipe');
  expect(JSON.stringify(said)).not.toContain('secret');
  expect(runs()).toBeGreaterThanOrEqual(3);
});

test('the demo ends a publisher that hangs', async () => {
  const stopping = new AbortController();
  const settings = { url: 'rtmp://127.0.0.1:1/live/key', ffmpegPath: ffmpegThat("trap '' TERM; while :; do sleep 0.1; done"), supervised: false };
  const publishing = publishForever(settings, () => undefined, stopping.signal);
  await until(() => {
    try {
      return runs() === 1;
    } catch {
      return false;
    }
  }, 'the publisher');
  stopping.abort();
  await expect(publishing).resolves.toBeUndefined();
});
