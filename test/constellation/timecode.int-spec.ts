/** @needs ffmpeg */
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { readTimecode, timecodeAgeMs, timecodeBlocks, timecodeFilter, timecodeHeightShare } from './timecode.ts';

const width = 640;
const height = 360;

/** One gray frame of the filter's output, as ffmpeg draws and H.264 keeps it. */
function encodedFrame(): Buffer {
  const h264 = execFileSync(
    'ffmpeg',
    [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      `testsrc2=size=${width}x${height}:rate=25`,
      '-filter_complex',
      timecodeFilter(width, height).replace('[in]', '[0:v]'),
      '-map',
      '[out]',
      '-frames:v',
      '1',
      '-c:v',
      'libx264',
      '-b:v',
      '300k',
      '-f',
      'mpegts',
      'pipe:1',
    ],
    { maxBuffer: 1e8 },
  );
  return execFileSync('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'], { input: h264, maxBuffer: 1e8 });
}

function sample(frame: Buffer): number[] {
  const y = Math.floor((height * timecodeHeightShare) / 2);
  return Array.from({ length: timecodeBlocks }, (_, at) => frame[y * width + Math.floor(((at + 0.5) * width) / timecodeBlocks)] as number);
}

describe('timecode', () => {
  test('is read back from an encoded picture as the wall clock it was drawn at', () => {
    const before = Date.now();
    const frame = encodedFrame();
    const after = Date.now();
    const count = readTimecode(sample(frame));
    expect(count).toBeDefined();
    expect(timecodeAgeMs(count as number, after)).toBeLessThanOrEqual(after - before + 10);
  });

  test('a picture without a timecode is not read', () => {
    expect(readTimecode(Array.from({ length: timecodeBlocks }, () => 128))).toBeUndefined();
    expect(readTimecode([])).toBeUndefined();
  });
});
