import { describe, expect, test } from '@jest/globals';
import type { FlvTag } from '#core/flv';
import { DecoderTurns } from './decoder-turns.ts';
import { InputMeter } from './input-meter.core.ts';
import { PicturePauses } from './picture-pauses.core.ts';
import { grayBytes, judgePictures, judgeSound, lastPicture, nextStretches, noStretches } from './judge.core.ts';
import { columnsOf, decodeArguments, leadingFragment, soundHz, tileSizeOf } from './sample-plan.core.ts';
import { StretchGatherer, type KnownTrack } from './stretch.core.ts';

const gray = (...values: readonly number[]): Uint8Array => Buffer.concat(values.map((value) => Buffer.alloc(grayBytes, value)));

describe('pictures', () => {
  test('black is told from dark and from light', () =>
    expect(judgePictures(gray(16, 40, 200), undefined).map(({ black }) => black)).toEqual([true, false, false]));

  test('a logo in a corner does not make a black picture any better, a face does', () => {
    const picture = (bright: number): Uint8Array => gray(16).fill(220, 0, bright);
    expect(judgePictures(picture(10), undefined)[0]?.black).toBe(true);
    expect(judgePictures(picture(60), undefined)[0]?.black).toBe(false);
  });

  test('what does not change is frozen, over stretches, until it changes', () => {
    const still = judgePictures(gray(100, 100), lastPicture(gray(7, 100)));
    expect(still.map(({ change }) => change)).toEqual([0, 0]);
    const first = nextStretches(noStretches, judgePictures(gray(100, 100), undefined), 2000, undefined);
    const second = nextStretches(first, still, 2000, undefined);
    expect([first.frozenMs, second.frozenMs]).toEqual([2000, 6000]);
    expect(nextStretches(second, judgePictures(gray(130), gray(100)), 2000, undefined).frozenMs).toBe(0);
  });
});

describe('sound', () => {
  const tone = (seconds: number, amplitude: number): Uint8Array => {
    const samples = Int16Array.from({ length: seconds * soundHz }, (_, at) => Math.sin(at / 4) * amplitude * 32_767);
    return new Uint8Array(samples.buffer);
  };

  test('a level is that of all of it, and a peak the greatest', () => {
    const sound = judgeSound(tone(1, 0.5));
    expect(sound?.levelDb).toBeCloseTo(-9, 0);
    expect(sound?.peakDb).toBeCloseTo(-6, 0);
    expect(sound?.silentMs).toBe(0);
  });

  test('silence counts up to the end, and goes on over stretches that have nothing else', () => {
    const ending = judgeSound(Buffer.concat([tone(1, 0.5), tone(2, 0)]));
    const silent = judgeSound(tone(3, 0.0001));
    expect([ending?.silentMs, ending?.allSilent, silent?.silentMs, silent?.allSilent]).toEqual([2000, false, 3000, true]);
    const stretches = nextStretches(nextStretches(noStretches, [], 2000, ending), [], 2000, silent);
    expect(stretches.silentMs).toBe(5000);
  });

  test('no sound is not silence', () => expect(judgeSound(new Uint8Array())).toBeUndefined());
});

/** AVC and AAC frames as encoders send them. */
const video = (timestampMs: number, bytes: number, { key = false, shownAfterMs = 0 } = {}): FlvTag => {
  const body = Buffer.alloc(bytes);
  body.set([key ? 0x17 : 0x27, 1, 0, 0, shownAfterMs]);
  return { type: 9, timestampMs, body };
};
const audio = (timestampMs: number, bytes: number): FlvTag => ({ type: 8, timestampMs, body: Buffer.alloc(bytes).fill(1).fill(0xaf, 0, 1) });

describe('the input', () => {
  test('ten seconds of thirty frames, a key frame every two', () => {
    const meter = new InputMeter();
    meter.take(0);
    for (let at = 0; at < 300; at++) meter.push(video(Math.round((at * 1000) / 30), 1000, { key: at % 60 === 0 }));
    for (let at = 0; at < 100; at++) meter.push(audio(at * 100, 200));
    const figures = meter.take(10_000);
    expect(figures).toMatchObject({
      windowMs: 10_000,
      videoBitrate: 240_000,
      audioBitrate: 16_000,
      frameRate: 30,
      keyFrameIntervalMs: 2000,
      keyFrameIntervalFrames: 60,
    });
    expect(figures?.reordersFrames).toBe(false);
    expect(meter.take(20_000)).toMatchObject({ videoBitrate: 0, frameRate: 0 });
  });

  test('a group that does not end tells of itself', () => {
    const meter = new InputMeter();
    meter.take(0);
    for (let at = 0; at < 200; at++) meter.push(video(at * 100, 100, { key: at === 0 }));
    expect(meter.take(20_000)?.keyFrameIntervalMs).toBe(19_900);
  });

  test('B-frames are told by times that vary, not by times that are alike', () => {
    const reorders = (...shown: readonly number[]): boolean | undefined => {
      const meter = new InputMeter();
      meter.take(0);
      for (const [at, shownAfterMs] of shown.entries()) meter.push(video(at * 33, 100, { shownAfterMs }));
      return meter.take(1000)?.reordersFrames;
    };
    expect([reorders(0, 100, 0, 33), reorders(66, 66, 67, 66)]).toEqual([true, false]);
  });

  test('sound that comes half a second before its picture', () => {
    const meter = new InputMeter();
    meter.take(0);
    for (let at = 0; at < 500; at++) for (const tag of [audio(at * 20 + 500, 10), video(at * 20, 10)]) meter.push(tag);
    expect(Math.abs((meter.take(10_000)?.soundAheadMs ?? 0) - 510)).toBeLessThan(15);
  });
});

const box = (type: string, size: number): Uint8Array => {
  const bytes = Buffer.alloc(size);
  bytes.writeUInt32BE(size, 0);
  bytes.write(type, 4, 'latin1');
  return bytes;
};

describe('pauses of the picture', () => {
  const after = (...tags: readonly FlvTag[]): PicturePauses => {
    const pauses = new PicturePauses();
    for (const tag of tags) pauses.push(tag);
    return pauses;
  };

  test('what was looked at before a key frame ended the pause is over, and nothing later', () => {
    const pauses = after(video(0, 10, { key: true }), audio(5000, 10), video(20_000, 10), video(20_500, 10, { key: true }), video(20_533, 10));
    expect([10_000, 20_400, 20_500, 22_000].map((at) => pauses.isOverSince(at))).toEqual([true, true, false, false]);
  });

  test.each([
    ['goes on', [video(0, 10, { key: true }), video(2000, 10, { key: true })]],
    ['has not come back', [video(0, 10, { key: true }), audio(20_000, 10)]],
    ['has no key frame yet', [video(0, 10, { key: true }), video(20_000, 10)]],
  ])('a picture that %s has no pause that ended', (_, tags) => expect(after(...tags).isOverSince(1000)).toBe(false));
});

describe('stretches', () => {
  test('of a segment its first fragment is taken', () => {
    const segment = Buffer.concat([box('styp', 16), box('moof', 24), box('mdat', 40), box('moof', 24), box('mdat', 40)]);
    expect(leadingFragment(segment)).toHaveLength(80);
    expect(leadingFragment(box('mdat', 12).fill(0, 0, 4))).toHaveLength(12);
  });

  const tracks = (initCid = 'v'): ReadonlyMap<string, KnownTrack> =>
    new Map([
      ['720p', { initCid: 'big', width: 1280, height: 720 }],
      ['240p', { initCid, width: 426, height: 240 }],
      ['audio', { initCid: 'a', width: undefined, height: undefined }],
    ]);
  const group = (mediaSequence: number, durationUs = 2_000_000) => ({
    mediaSequence,
    segments: ['720p', '240p', 'audio'].map((rendition) => ({
      ...{ rendition, bytes: box('mdat', 16), startUs: mediaSequence * 2_000_000, durationUs, startTicks: 0, durationTicks: 1, keyFrames: [] },
    })),
  });

  test('five segments of two seconds are one, with the smallest picture and the sound', () => {
    const gatherer = new StretchGatherer();
    const complete = [0, 1, 2, 3, 4, 5].map((at) => gatherer.add(group(at), tracks()));
    expect(complete.map(({ length }) => length)).toEqual([0, 0, 0, 0, 1, 0]);
    expect(complete[4]?.[0]).toMatchObject({ mediaSequence: 0, startUs: 0, endUs: 10_000_000, segments: 5, picture: { track: { height: 240 } } });
    expect(complete[4]?.[0]?.sound?.segments).toHaveLength(5);
    expect(gatherer.flush().map(({ mediaSequence, segments }) => [mediaSequence, segments])).toEqual([[5, 1]]);
  });

  test('a hole, and another initialisation, end it', () => {
    const gatherer = new StretchGatherer();
    gatherer.add(group(0), tracks());
    expect(gatherer.add(group(2), tracks()).map(({ segments }) => segments)).toEqual([1]);
    expect(gatherer.add(group(3), tracks('other')).map(({ mediaSequence }) => mediaSequence)).toEqual([2]);
  });

  test('a picture keeps its shape, upright ones too', () => {
    expect([tileSizeOf(1280, 720), tileSizeOf(720, 1280), tileSizeOf(0, 0)]).toEqual([
      { width: 256, height: 144 },
      { width: 144, height: 256 },
      { width: 2, height: 2 },
    ]);
  });

  test('the decoder reads key frames alone, in one thread', () => {
    const argv = decodeArguments({ tile: { width: 256, height: 144 }, pictures: 5, soundPath: '/run/1.mp4' }).join(' ');
    expect(argv).toContain('-skip_frame nokey -protocol_whitelist pipe,file -f mov -i pipe:0');
    expect(argv).toContain('tile=5x1');
    expect(argv).toContain('-map 1:a:0');
    expect(argv).not.toContain('fps=');
    expect(decodeArguments({ tile: undefined, pictures: 1, soundPath: '/run/1.mp4' }).join(' ')).toContain('-map 0:a:0');
  });
});

test.each([
  [500, 16],
  [1000, 10],
  [2000, 5],
  [4000, 3],
  [10_000, 1],
])('segments of %d ms make images of %d pictures, whole stretches and short ones alike', (segmentDurationMs, columns) => {
  expect(columnsOf(segmentDurationMs)).toBe(columns);
  const argv = decodeArguments({ tile: { width: 256, height: 144 }, pictures: columns + 1, columns, soundPath: undefined }).join(' ');
  expect(argv).toContain(`tile=${columns}x1`);
});

describe('turns', () => {
  test('one at a time, each name once, with a rest', async () => {
    let now = 0;
    const turns = new DecoderTurns(() => now);
    const order: string[] = [];
    const work = (name: string) => async (): Promise<string> => {
      order.push(name);
      await Promise.resolve();
      return name;
    };
    const first = turns.take('a', work('a'));
    const [second, third, left] = [turns.take('b', work('b')), turns.take('a', work('a again')), turns.take('b', work('b again'))];
    expect(await left).toBeUndefined();
    expect(await Promise.all([first, second, third])).toEqual(['a', 'b', 'a again']);
    expect(order).toEqual(['a', 'b', 'a again']);
    now += 1;
  });

  test('one that fails lets the next one begin', async () => {
    const turns = new DecoderTurns(() => 0);
    const failing = turns.take('a', () => Promise.reject(new Error('broken')));
    const next = turns.take('b', () => Promise.resolve('done'));
    await expect(failing).rejects.toThrow('broken');
    expect(await next).toBe('done');
  });
});
