import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeAmf0Script, encodeMetadata, encodeTrack, tagType, type EnhancedPacket, type FlvTag } from '#core/flv';
import { LiveFeed } from './live-feed.ts';
import { SessionFeed, type FeedTag } from './session-feed.core.ts';

/** Real sequence headers of libx264, 320x180 and 160x90: FLV prefix, then AVCDecoderConfigurationRecord. */
const avc = Uint8Array.from(Buffer.from('1700000000014d400dffe10019674d400deca0a0cfcf8088000003000800000301e078a14cb001000468ce0fc8', 'hex'));
const avcOther = Uint8Array.from(Buffer.from('1700000000014d400bffe10017674d400beca146fc980880000003008000001e078a14cb01000468ce0fc8', 'hex'));
const aac = Uint8Array.of(0xaf, 0, 0x12, 0x10);

const header = (kind: 'video' | 'audio', body: Uint8Array): FlvTag => ({ type: tagType[kind], timestampMs: 0, body });
const picture = (timestampMs: number, key: boolean, compositionMs = 0, bytes = 100): FlvTag => ({
  type: tagType.video,
  timestampMs,
  body: Uint8Array.of(key ? 0x17 : 0x27, 1, (compositionMs >> 16) & 255, (compositionMs >> 8) & 255, compositionMs & 255, ...new Uint8Array(bytes - 5)),
});
const sound = (timestampMs: number): FlvTag => ({ type: tagType.audio, timestampMs, body: Uint8Array.of(0xaf, 1, 0, 0) });

function feed(...tags: readonly FlvTag[]): SessionFeed {
  const made = new SessionFeed({ bytesMax: 10_000 });
  for (const tag of tags) made.push(tag);
  return made;
}

/** Pictures every 100 ms from `fromMs` to `toMs`, a key frame each second. */
const pictures = (fromMs: number, toMs: number): FlvTag[] =>
  Array.from({ length: (toMs - fromMs) / 100 }, (_, n) => picture(fromMs + n * 100, (fromMs + n * 100) % 1000 === 0));

describe('the source', () => {
  test('is known as soon as both headers and a key frame are there', () => {
    const made = feed({ type: tagType.script, timestampMs: 0, body: encodeMetadata({ frameRate: 25 }) }, header('video', avc), header('audio', aac));
    expect(made.startPoint(undefined)).toBeUndefined();
    made.push(picture(0, true));
    made.push(sound(0));
    expect(made.startPoint(undefined)?.source).toEqual({
      video: { codec: 'h264', width: 320, height: 180, frameRate: 25, interlaced: false },
      audio: { codec: 'aac', sampleRate: 44_100, channels: 2 },
    });
  });

  test.each([
    ['video', avc, picture(0, true), picture(900, false), picture(1000, false)],
    ['audio', aac, sound(0), sound(1900), sound(2000)],
  ] as const)('%s alone counts as alone only after a while', (kind, body, first, early, late) => {
    const made = feed(header(kind, body), first, early);
    expect(made.startPoint(undefined)).toBeUndefined();
    made.push(late);
    expect(Object.entries(made.startPoint(undefined)?.source ?? {}).flatMap(([name, value]) => (value === undefined ? [] : [name]))).toEqual([kind]);
  });

  test('a header that cannot be read is none', () => {
    const made = feed(header('video', Uint8Array.of(0x17, 0, 0, 0, 0, 1, 2)), header('audio', aac), picture(0, true), sound(2500));
    expect(made.startPoint(undefined)?.source).toEqual({ video: undefined, audio: { codec: 'aac', sampleRate: 44_100, channels: 2 } });
  });
});

describe('the start', () => {
  const headers = [header('video', avc)];

  test('is the last key frame at or before the place asked for, by presentation time', () => {
    const made = feed(...headers, ...pictures(0, 3500));
    expect(made.startPoint(2500)?.tag.timestampMs).toBe(2000);
    expect(made.startPoint(2000)?.tag.timestampMs).toBe(2000);
    const delayed = feed(...headers, picture(0, true), picture(1000, true, 80));
    expect(delayed.startPoint(1079)?.tag.timestampMs).toBe(0);
    expect(delayed.startPoint(1080)?.tag.timestampMs).toBe(1000);
  });

  test('is the first key frame when there is none before, and the newest when asked', () => {
    const made = feed(...headers, ...pictures(500, 3500));
    expect(made.startPoint(700)?.tag.timestampMs).toBe(1000);
    expect(made.startPoint(undefined)?.tag.timestampMs).toBe(1000);
    expect(made.latestStartPoint()?.tag.timestampMs).toBe(3000);
  });

  test('a repeated header changes nothing; another one begins a generation of its own', () => {
    const made = feed(...headers, picture(0, true));
    made.push(picture(1000, true));
    made.startPoint(undefined);
    made.push(header('video', avc));
    expect(made.startPoint(1500)?.tag.generation.number).toBe(0);
    made.push(header('video', avcOther));
    for (const tag of pictures(2000, 3100)) made.push(tag);
    expect(made.startPoint(2900)?.tag.generation.number).toBe(1);
    expect(made.startPoint(0, 1)?.tag.timestampMs).toBe(2000);
    expect(made.startPoint(0, 2)).toBeUndefined();
  });
});

/** In MP3 nobody makes silence. */
const mp3 = Uint8Array.of(0x90, ...Buffer.from('.mp3'));
const mp3Sound = (timestampMs: number): FlvTag => ({ type: tagType.audio, timestampMs, body: Uint8Array.of(0x91, ...Buffer.from('.mp3'), 0, 0) });

describe('a kind that stops', () => {
  const headers = [header('video', avc), header('audio', mp3)];
  const both = (fromMs: number, toMs: number): FlvTag[] => pictures(fromMs, toMs).flatMap((one) => [one, mp3Sound(one.timestampMs)]);
  const sounds = (fromMs: number, toMs: number): FlvTag[] => pictures(fromMs, toMs).map(({ timestampMs }) => mp3Sound(timestampMs));

  test('is left out from the beginning where it does not come, and taken in when it does', () => {
    const made = new SessionFeed({ bytesMax: 1e6 });
    const push = (tags: readonly FlvTag[]): void => tags.forEach((tag) => made.push(tag));
    push([...headers, ...pictures(0, 1000)]);
    expect(made.startPoint(0)).toBeUndefined();
    push(pictures(1000, 2000));
    expect([made.startPoint(0)?.source.audio, made.startPoint(0)?.source.video?.codec]).toEqual([undefined, 'h264']);
    push(both(2000, 4000));
    expect([made.startPoint(0, 1)?.tag.generation.number, made.startPoint(0, 1)?.source.audio?.codec]).toEqual([1, 'mp3']);
  });

  test('is left out after a while, and taken in again when it is back', () => {
    const made = new SessionFeed({ bytesMax: 1e6 });
    const push = (tags: readonly FlvTag[]): void => tags.forEach((tag) => made.push(tag));
    push([...headers, ...both(0, 2000)]);
    expect(made.startPoint(0)?.tag.generation.number).toBe(0);
    push(pictures(2000, 8000));
    const silent = made.startPoint(8000);
    expect([silent?.tag.generation.number, silent?.source.audio, silent?.source.video?.codec]).toEqual([1, undefined, 'h264']);
    push(both(8000, 12_000));
    const back = made.startPoint(12_000);
    expect([back?.tag.generation.number, back?.source.audio?.codec]).toEqual([2, 'mp3']);
  });

  test('sound goes on without the picture', () => {
    const made = new SessionFeed({ bytesMax: 1e6 });
    for (const tag of [...headers, ...both(0, 2000)]) made.push(tag);
    made.startPoint(0);
    for (const tag of sounds(2000, 9000)) made.push(tag);
    expect(made.startPoint(9000)).toMatchObject({ tag: { timestampMs: 8900, generation: { number: 1 } }, source: { video: undefined } });
    // A picture that is back is nothing to see before its next key frame, and costs no sound until then.
    for (const tag of [picture(9000, false), ...sounds(9000, 10_000)]) made.push(tag);
    expect(made.startPoint(9900)).toMatchObject({ tag: { timestampMs: 9900, generation: { number: 1 } } });
    for (const tag of [picture(10_000, true), ...sounds(10_000, 11_000)]) made.push(tag);
    expect(made.startPoint(10_000)).toMatchObject({
      tag: { kind: 'video', timestampMs: 10_000, generation: { number: 2 } },
      source: { video: { codec: 'h264' }, audio: { codec: 'mp3' } },
    });
  });

  test('a picture every five seconds is a picture', () => {
    const made = new SessionFeed({ bytesMax: 1e6 });
    for (const tag of [...headers, picture(0, true), ...sounds(0, 5000)]) made.push(tag);
    made.startPoint(0);
    for (const tag of [picture(5000, true), ...sounds(5000, 10_000), picture(10_000, true)]) made.push(tag);
    expect(made.startPoint(10_000)?.tag.generation.number).toBe(0);
  });
});

describe('silence', () => {
  const headers = [header('video', avc), header('audio', aac)];
  const frameMs = (1024 * 1000) / 44_100;
  /** Sound as an encoder sends it, in frames of its own length. */
  const sounds = (fromMs: number, toMs: number): FlvTag[] =>
    Array.from({ length: Math.round((toMs - fromMs) / frameMs) }, (_, n) => sound(Math.round(fromMs + n * frameMs)));
  const byTime = (...tags: readonly FlvTag[]): FlvTag[] => tags.toSorted((a, b) => a.timestampMs - b.timestampMs);
  const made = (...tags: readonly FlvTag[]): SessionFeed => {
    const one = new SessionFeed({ bytesMax: 1e6 });
    for (const tag of [...headers, ...tags]) one.push(tag);
    return one;
  };
  /** What a reader gets, in its order. */
  const readAll = (from: SessionFeed): FeedTag[] => Array.from({ length: from.nextIndex }, (_, n) => from.read(n)?.tag as FeedTag);
  const soundOf = (tags: readonly FeedTag[]): FeedTag[] => tags.filter(({ kind }) => kind === 'audio');
  const isSilence = ({ body }: FeedTag): boolean => body.length > 4;
  /** The longest time from one frame of sound to the next, ms. */
  const holeOf = (tags: readonly FeedTag[]): number => Math.max(...soundOf(tags).map((tag, n, all) => (all[n + 1] ?? tag).timestampMs - tag.timestampMs));

  test('stands in for sound that comes seconds after its picture, which can be begun with after one', () => {
    const late = made(...pictures(0, 1000));
    expect(late.startPoint(undefined)).toBeUndefined();
    for (const tag of pictures(1000, 4000)) late.push(tag);
    expect(late.startPoint(undefined)).toMatchObject({ index: 0, source: { audio: { codec: 'aac' } }, tag: { timestampMs: 0 } });
    for (const tag of byTime(...pictures(4000, 6000), ...sounds(4000, 6000))) late.push(tag);
    const tags = readAll(late);
    expect(new Set(tags.map(({ generation }) => generation.number))).toEqual(new Set([0]));
    expect(holeOf(tags)).toBeLessThan(2 * frameMs);
    expect(soundOf(tags).findLast(isSilence)?.timestampMs).toBeLessThanOrEqual(4000);
    expect(soundOf(tags).filter((tag) => !isSilence(tag))).toHaveLength(sounds(4000, 6000).length);
    // Who reads the beginning finds sound beside the picture, and needs not look for it further on.
    expect(tags.findIndex(({ kind }) => kind === 'audio')).toBeLessThan(3);
  });

  test('fills a pause, and the tracks stay as they are', () => {
    const paused = made(...byTime(...pictures(0, 6000), ...sounds(0, 6000)));
    paused.startPoint(0);
    for (const tag of byTime(...pictures(6000, 13_000), ...sounds(11_000, 13_000))) paused.push(tag);
    const tags = readAll(paused);
    expect(holeOf(tags)).toBeLessThan(2.5 * frameMs);
    expect(new Set(tags.map(({ generation }) => generation.number))).toEqual(new Set([0]));
    expect(soundOf(tags).filter(isSilence).length).toBeCloseTo(5000 / frameMs, -1);
  });

  test('is not made of sound that is sent late: it is waited for', () => {
    const sentLate = (fromMs: number, toMs: number): FlvTag[] =>
      [...pictures(fromMs, toMs).map((tag) => ({ tag, at: tag.timestampMs })), ...sounds(fromMs, toMs).map((tag) => ({ tag, at: tag.timestampMs + 1500 }))]
        .toSorted((a, b) => a.at - b.at)
        .map(({ tag }) => tag);
    const tags = readAll(made(...sentLate(0, 9000)));
    expect(soundOf(tags).filter((tag) => isSilence(tag) && tag.timestampMs > 3000)).toEqual([]);
    expect(holeOf(tags)).toBeLessThan(2.5 * frameMs);
  });

  test('is not made up for hours where a clock was set', () => {
    expect(made(sound(0), picture(0, true), picture(9_000_000, true)).nextIndex).toBeLessThan(800);
  });
});

describe('what is held', () => {
  const headers = [header('video', avc)];

  test('media of stored segments is forgotten once it was read, key frame and a little before it kept', () => {
    const made = feed(...headers, ...pictures(0, 9000));
    made.forgetBefore(8500);
    expect(made.read(0)?.index).toBe(0);
    for (let index = 0; index < 90; index++) made.read(index);
    made.forgetBefore(8500);
    expect(made.read(0)?.index).toBe(30);
    expect(made.startPoint(8500)?.tag.timestampMs).toBe(8000);
  });

  test('unread media is never dropped: the feed is full instead, until it is read', () => {
    const made = feed(...headers);
    for (let n = 0; !made.full; n++) made.push(picture(n * 100, n % 10 === 0));
    const held = made.nextIndex;
    expect(made.read(0)?.index).toBe(0);
    for (let index = 0; made.full; index++) expect(made.read(index)?.index).toBe(index);
    expect(made.nextIndex).toBe(held);
    for (let n = 0; n < 500; n++) {
      made.push(picture(20_000 + n * 100, n % 10 === 0));
      made.read(made.nextIndex - 1);
    }
    expect(made.full).toBe(false);
  });

  test('tells the bitrate of its picture, once there is enough of it', () => {
    const made = feed(...headers, ...pictures(0, 2000));
    expect(made.sentBitrate).toBeUndefined();
    made.push(picture(2000, true));
    expect(made.sentBitrate).toBe(8000);
  });

  test('what is neither picture nor sound is not held', () => {
    const made = feed(
      { type: tagType.script, timestampMs: 0, body: Uint8Array.of(1, 2, 3) },
      { type: tagType.video, timestampMs: 5, body: Uint8Array.of(0x17, 2, 0, 0, 0) },
    );
    expect(made.nextIndex).toBe(0);
  });
});

test('fuzz: whatever the tags hold, the feed takes them or passes them over', () => {
  const tag = fc.record({
    type: fc.constantFrom(tagType.video, tagType.audio, tagType.script),
    timestampMs: fc.nat(0xffffffff),
    body: fc.uint8Array({ maxLength: 40 }),
  });
  const real = fc.constantFrom(header('video', avc), header('audio', aac), picture(1000, true), sound(1000));
  fc.assert(
    fc.property(fc.array(fc.oneof(tag, real), { maxLength: 40 }), fc.nat(5000), (tags, fromMs) => {
      const made = feed(...tags);
      made.startPoint(fromMs);
      made.read(0);
      made.forgetBefore(fromMs);
      // No more silence for one tag than is made up at once, of frames of 10 ms at least.
      expect(made.nextIndex).toBeLessThanOrEqual(tags.length * 1501);
    }),
  );
});

describe('further tracks', () => {
  const avcFrame = (key: boolean): EnhancedPacket => ({ frameType: key ? 1 : 2, packetType: 1, fourCc: 'avc1', payload: Uint8Array.of(0, 0, 0, 7) });
  const config: EnhancedPacket = { frameType: 1, packetType: 0, fourCc: 'avc1', payload: avcOther.subarray(5) };
  const beside = (track: number, timestampMs: number, packet: EnhancedPacket): FlvTag => ({
    type: tagType.video,
    timestampMs,
    body: encodeTrack('video', track, packet),
  });
  const headers = [header('video', avc), header('audio', aac)];
  /** The first track and those named, every 100 ms, a key frame each second; `aheadMs` says which of them are out of step. */
  const run = (fromMs: number, toMs: number, tracks: readonly number[], aheadMs = 0): FlvTag[] =>
    pictures(fromMs, toMs).flatMap((tag) => [
      tag,
      sound(tag.timestampMs),
      ...tracks.map((track) => beside(track, tag.timestampMs, avcFrame((tag.timestampMs + aheadMs) % 1000 === 0))),
    ]);
  const begunWith = (made: SessionFeed, fromMs: number): { numbers: unknown; unaligned: unknown } => {
    const point = made.startPoint(fromMs);
    return { numbers: point?.beside?.map(({ track }) => track.track), unaligned: point?.unaligned?.map(({ track }) => track) };
  };

  test('are begun with where the first track is, once their key frame is there, and with what is said of them', () => {
    const videoTrackIdInfoMap = { 1: { videodatarate: 900 } };
    const script: FlvTag = { type: tagType.script, timestampMs: 0, body: encodeAmf0Script('onMetaData', { videoTrackIdInfoMap }) };
    const made = feed(script, ...headers, beside(1, 0, config), picture(0, true), sound(0));
    expect(made.startPoint(0)).toBeUndefined();
    made.push(beside(1, 0, avcFrame(true)));
    const { track, metadata } = made.startPoint(0)?.beside?.[0] ?? {};
    expect([track?.kind, track?.track, metadata]).toEqual(['video', 1, { videoKbps: 900 }]);
    expect(track?.config).toEqual(Uint8Array.of(0x17, ...avcOther.subarray(1)));
    expect(made.keyFrames).toBe(1);
  });

  test('out of step are not waited for longer than a moment, and named', () => {
    const made = feed(...headers, beside(1, 0, config), beside(2, 0, config), ...run(0, 400, [1]));
    expect(made.startPoint(0)).toBeUndefined();
    for (const tag of run(400, 700, [1])) made.push(tag);
    expect(begunWith(made, 0)).toEqual({ numbers: [1], unaligned: [2] });
    const apart = feed(...headers, beside(1, 0, config), ...run(0, 900, [1], 300));
    expect(begunWith(apart, 0)).toEqual({ numbers: [], unaligned: [1] });
  });

  test('come and go with a key frame of the first track, where a new generation begins; each has its own start', () => {
    const made = feed(...headers, ...run(0, 1000, []));
    const starts: unknown[] = [];
    const look = (generation: number): void => {
      const point = made.startPoint(undefined, generation);
      starts.push([point?.tag.generation.number, point?.tag.timestampMs, point?.beside?.map(({ track }) => track.track)]);
    };
    const go = (...tags: readonly FlvTag[]): void => tags.forEach((tag) => made.push(tag));
    look(0);
    go(beside(1, 1000, config), ...run(1000, 3000, [1]));
    look(1);
    go(...run(3000, 4000, [1]), ...run(4000, 6000, []));
    look(2);
    go(...run(6000, 6500, []), ...run(6500, 8000, [1]));
    look(3);
    expect(starts).toEqual([
      [0, 0, undefined],
      [1, 1000, [1]],
      [2, 5000, undefined],
      [3, 7000, [1]],
    ]);
  });

  test('of which some is missing is begun anew, so that nobody waits for it', () => {
    const made = feed(...headers, beside(1, 0, config), ...run(0, 1000, [1]));
    expect(begunWith(made, 0)).toEqual({ numbers: [1], unaligned: [] });
    for (const tag of [...run(1000, 1200, []), ...run(1200, 3100, [1])]) made.push(tag);
    expect(made.startPoint(undefined, 1)).toBeUndefined();
    const stopped = feed(...headers, beside(1, 0, config), ...run(0, 1000, [1]));
    stopped.startPoint(0);
    for (const tag of [...run(1000, 2300, []).filter(({ timestampMs }) => timestampMs !== 2000), ...run(2300, 3700, [1])]) stopped.push(tag);
    expect(stopped.startPoint(undefined, 1)?.tag.timestampMs).toBe(3000);
  });
});

describe('waiting for a feed', () => {
  const isOpen = async (promise: Promise<unknown>): Promise<boolean> =>
    (await Promise.race([promise.then(() => false), new Promise((resolve) => setImmediate(() => resolve(true)))])) === true;
  const live = (): LiveFeed => new LiveFeed({ bytesMax: 10_000 });

  test('ends with media, with its end, and with the signal of whoever waits', async () => {
    const made = live();
    const stop = new AbortController();
    const first = made.changed(stop.signal);
    expect(await isOpen(first)).toBe(true);
    made.push([sound(0)]);
    await first;
    const second = made.changed(stop.signal);
    stop.abort();
    await Promise.all([second, made.changed(stop.signal)]);
    const third = made.changed(new AbortController().signal);
    made.finish('broken');
    await third;
  });

  test('goes on for those of many runs that were stopped', async () => {
    const made = live();
    const stops = Array.from({ length: 30 }, () => new AbortController());
    const waits = stops.map(({ signal }) =>
      (async () => {
        while (!signal.aborted) await made.changed(signal);
      })(),
    );
    for (const [n, stop] of stops.entries()) {
      stop.abort();
      await waits[n];
      expect(await isOpen(Promise.all(waits))).toBe(n < 29);
    }
  });

  test('is not ended by a signal that nobody minds any more, and a run that waits again minds its own', async () => {
    const made = live();
    const stop = new AbortController();
    void made.changed(stop.signal);
    made.unheed(stop.signal);
    const other = made.changed(new AbortController().signal);
    stop.abort();
    expect(await isOpen(other)).toBe(true);
    const next = new AbortController();
    const waits = made.changed(next.signal);
    made.push([sound(0)]);
    await waits;
    const again = made.changed(next.signal);
    next.abort();
    await again;
  });

  test('for the end alone minds no media', async () => {
    const made = live();
    const stop = new AbortController();
    const [over, given] = [made.over(new AbortController().signal), made.over(stop.signal)];
    made.push([sound(0)]);
    expect(await isOpen(Promise.race([over, given]))).toBe(true);
    stop.abort();
    await given;
    expect(await isOpen(over)).toBe(true);
    made.finish('session-over');
    await over;
    await made.over(new AbortController().signal);
  });
});
