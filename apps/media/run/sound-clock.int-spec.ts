/** @needs ffmpeg */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { encoderArguments } from '#core/ffmpeg-plan';

const run = promisify(execFile);
const seconds = 30;
const source = { audio: { codec: 'aac', sampleRate: 48_000, channels: 1 } };
const sound = { kind: 'audio', name: 'audio', codecs: 'mp4a.40.2', bandwidth: 100_000, channels: 2, sampleRate: 48_000, bitrate: 96_000 } as const;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-sound-'));
  const beeps = `aevalsrc='if(lt(mod(t\\,1)\\,0.04)\\,sin(2*PI*1000*t)\\,0)':s=48000:d=${seconds}`;
  await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', beeps, '-c:a', 'aac', '-b:a', '96k', join(folder, 'whole.flv')]);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Where each beep begins behind the first after the encoder's own filter, s. */
async function beepsOf(path: string, audioStartUs: number): Promise<readonly number[]> {
  const plan = encoderArguments({
    source,
    renditions: [sound],
    preset: 'veryfast',
    segmentDurationUs: 2_000_000,
    videoStartUs: 0,
    audioStartUs,
    gridPhaseUs: 0,
  });
  const graph = plan.argv[plan.argv.indexOf('-filter_complex') + 1] as string;
  const wave = join(folder, 'out.wav');
  await run('ffmpeg', ['-v', 'error', '-y', '-copyts', '-i', path, '-filter_complex', graph, '-map', '[a0]', '-c:a', 'pcm_s16le', wave]);
  const { stderr } = await run('ffmpeg', ['-hide_banner', '-nostats', '-i', wave, '-af', 'silencedetect=n=-35dB:d=0.3', '-f', 'null', '-']);
  return [...stderr.matchAll(/silence_end: ([\d.]+)/g)].map(([, at]) => Number(at));
}

test.each([
  ['a frame that is lost early', ['noise=drop=eq(n\\,140)'], 1],
  ['a frame that is lost late', ['noise=drop=eq(n\\,970)'], 1],
  ['ten that are lost', ['noise=drop=between(n\\,600\\,609)'], 1],
  ['a clock that is too slow', ['setts=ts=TS*1.002'], 1.002],
  ['a clock that is too fast', ['setts=ts=TS*0.998'], 0.998],
] as const)('sound stays in its place over %s, from wherever the encoder begins', async (_what, [filter], pace) => {
  const path = join(folder, 'damaged.flv');
  await run('ffmpeg', ['-v', 'error', '-y', '-i', join(folder, 'whole.flv'), '-c', 'copy', '-bsf:a', filter, path]);
  for (const startUs of [0, 1_372_333]) {
    const beeps = await beepsOf(path, startUs);
    expect(beeps.length).toBeGreaterThan(seconds - 4);
    // A beep begins with each second of the source: where its clock says so, to 40 ms and a frame of AAC.
    for (const at of beeps) {
      const second = (at + startUs / 1_000_000) / pace;
      expect(Math.abs(second - Math.round(second))).toBeLessThan(0.065);
    }
    expect(Math.round(((beeps.at(-1) as number) + startUs / 1_000_000) / pace)).toBeGreaterThanOrEqual(seconds - 2);
  }
});
