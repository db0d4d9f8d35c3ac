import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeAmf0Script, encodeMetadata, encodeTrack, tagType, type EnhancedPacket, type FlvTag } from '#core/flv';
import type { FeedTag, StartPoint } from './feed.types.ts';
import { SessionFeed } from './session-feed.core.ts';

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

  test('sound is not held back for a picture that is announced and does not come', () => {
    const made = new SessionFeed({ bytesMax: 1e6 });
    const push = (tags: readonly FlvTag[]): void => tags.forEach((tag) => made.push(tag));
    push([...headers, ...sounds(0, 5900)]);
    expect(made.startPoint(undefined)).toBeUndefined();
    push(sounds(5900, 6300));
    expect(made.startPoint(undefined)).toMatchObject({ tag: { kind: 'audio', timestampMs: 0 }, source: { video: undefined, audio: { codec: 'mp3' } } });
    push([picture(8000, true), ...both(8010, 10_000)]);
    expect(made.startPoint(undefined, 1)).toMatchObject({ tag: { kind: 'video', timestampMs: 8000 }, source: { video: { codec: 'h264' } } });
  });

  test('goes on in its generation while somebody has something to show for it', () => {
    const made = new SessionFeed({ bytesMax: 1e6 });
    for (const tag of [...headers, ...both(0, 2000)]) made.push(tag);
    const { generation } = made.startPoint(0)?.tag ?? {};
    if (generation !== undefined) generation.keepsPicture = true;
    for (const tag of [...sounds(2000, 20_000), picture(20_000, true)]) made.push(tag);
    expect(made.startPoint(20_000)).toMatchObject({ tag: { kind: 'video', timestampMs: 20_000, generation: { number: 0 } } });
  });

  test('sound goes on without the picture', () => {
    const made = new SessionFeed({ bytesMax: 1e6 });
    for (const tag of [...headers, ...both(0, 2000)]) made.push(tag);
    made.startPoint(0);
    for (const tag of sounds(2000, 9000)) made.push(tag);
    expect(made.startPoint(9000)).toMatchObject({ tag: { timestampMs: 8900, generation: { number: 1 } }, source: { video: undefined } });
    // From where the picture stopped: until that was noticed six seconds of sound had come.
    expect(made.startPoint(2000, 1)).toMatchObject({ tag: { timestampMs: 2000, generation: { number: 1 } }, source: { video: undefined } });
    expect(made.takenOverMs({ number: 0, video: undefined, audio: undefined, sealed: true, muted: false })).toBe(1900);
    // A picture that is back is nothing to see before its next key frame, and costs no sound until then.
    for (const tag of [picture(9000, false), ...sounds(9000, 10_000)]) made.push(tag);
    expect(made.startPoint(9900)).toMatchObject({ tag: { timestampMs: 9900, generation: { number: 1 } } });
    for (const tag of [picture(10_000, true), ...sounds(10_000, 11_000)]) made.push(tag);
    expect(made.startPoint(10_000)).toMatchObject({
      tag: { kind: 'video', timestampMs: 10_000, generation: { number: 2 } },
      source: { video: { codec: 'h264' }, audio: { codec: 'mp3' } },
    });
  });

  test('sound that goes on when the picture has ended and the session with it is heard', () => {
    const made = new SessionFeed({ bytesMax: 1e6 });
    for (const tag of [...headers, ...both(0, 2000)]) made.push(tag);
    const { generation } = (made.startPoint(0) as StartPoint).tag;
    for (const tag of sounds(2000, 5000)) made.push(tag);
    expect(made.takenOverMs(generation)).toBeUndefined();
    made.close();
    expect(made.startPoint(2000, 1)).toMatchObject({ tag: { timestampMs: 2000, generation: { number: 1 } }, source: { video: undefined } });
    const even = new SessionFeed({ bytesMax: 1e6 });
    for (const tag of [...headers, ...both(0, 2000)]) even.push(tag);
    even.startPoint(0);
    even.close();
    expect(even.startPoint(0, 1)).toBeUndefined();
  });

  test('what follows may begin with its sound: its picture is told apart', () => {
    const made = new SessionFeed({ bytesMax: 1e6 });
    for (const tag of [...headers, ...both(0, 2000)]) made.push(tag);
    const { generation } = (made.startPoint(0) as StartPoint).tag;
    for (const tag of [header('video', avcOther), mp3Sound(1991)]) made.push(tag);
    expect([made.takenOverMs(generation), made.nextPictureMs(generation)]).toEqual([1991, undefined]);
    made.push(picture(2012, true));
    expect([made.takenOverMs(generation), made.nextPictureMs(generation)]).toEqual([1991, 2012]);
  });

  test('no run of sound alone begins at the end of a session while somebody has something to show for the picture', () => {
    const made = new SessionFeed({ bytesMax: 1e6 });
    for (const tag of [...headers, ...both(0, 2000)]) made.push(tag);
    const { generation } = (made.startPoint(0) as StartPoint).tag;
    generation.keepsPicture = true;
    for (const tag of sounds(2000, 8000)) made.push(tag);
    made.close();
    generation.keepsPicture = false;
    made.close();
    expect(made.takenOverMs(generation)).toBeUndefined();
    expect(made.startPoint(8000, 1)).toBeUndefined();
  });

  test('pictures go on without the sound from the key frame before it stopped', () => {
    const made = new SessionFeed({ bytesMax: 1e6 });
    for (const tag of [...headers, ...both(0, 2500)]) made.push(tag);
    made.startPoint(0);
    for (const tag of pictures(2500, 7000)) made.push(tag);
    expect(made.startPoint(2500, 1)).toMatchObject({ tag: { timestampMs: 2000, generation: { number: 1 } }, source: { audio: undefined } });
    expect(made.startPoint(1500)).toMatchObject({ tag: { timestampMs: 1000, generation: { number: 0 } } });
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

describe('a further sound', () => {
  const packet = (packetType: number, ...payload: number[]): EnhancedPacket => ({
    frameType: 0,
    packetType,
    fourCc: 'mp4a',
    payload: Uint8Array.from(payload),
  });
  const beside = (timestampMs: number, of: EnhancedPacket): FlvTag => ({ type: tagType.audio, timestampMs, body: encodeTrack('audio', 1, of) });
  /** AAC at 44.1 kHz, mono. */
  const config = beside(0, packet(0, 0x12, 0x08));
  const opus: EnhancedPacket = { ...packet(0, ...Buffer.from('4f707573486561640102380180bb0000000000', 'hex')), fourCc: 'Opus' };
  const mp3Config = beside(0, { ...packet(0), fourCc: '.mp3' });
  const mp3Frame = (timestampMs: number): FlvTag => beside(timestampMs, { ...packet(1, 1, 2, 3), fourCc: '.mp3' });
  const headers = [header('video', avc), header('audio', aac)];
  const first = (fromMs: number, toMs: number): FlvTag[] =>
    pictures(fromMs, toMs).flatMap((tag) => [tag, ...[0, 23, 46, 69].map((ms) => sound(tag.timestampMs + ms))]);
  const both = (fromMs: number, toMs: number, frame = (ms: number): FlvTag => beside(ms, packet(1, 0x21))): FlvTag[] =>
    first(fromMs, toMs).flatMap((tag) => (tag.type === tagType.audio ? [tag, frame(tag.timestampMs)] : [tag]));
  const made = (...tags: readonly FlvTag[]): SessionFeed => {
    const one = new SessionFeed({ bytesMax: 1e6 });
    for (const tag of [...headers, ...tags]) one.push(tag);
    return one;
  };
  const ofIt = (from: SessionFeed): FeedTag[] =>
    Array.from({ length: from.nextIndex }, (_, n) => from.read(n)?.tag as FeedTag).filter(({ beside: track }) => track !== undefined);
  const holeOf = (tags: readonly FeedTag[]): number => Math.max(...tags.map(({ timestampMs }, n) => timestampMs - (tags[n - 1]?.timestampMs ?? timestampMs)));

  test.each([
    ['AAC', config],
    ['Opus', beside(0, opus)],
  ])('that pauses is silence, and no run begins anew for it: %s', (_codec, configured) => {
    const paused = made(configured, ...both(0, 3000), ...first(3000, 12_000), ...both(12_000, 14_000));
    const tags = ofIt(paused);
    expect(holeOf(tags)).toBeLessThan(60);
    expect(new Set(tags.map(({ generation }) => generation.number))).toEqual(new Set([0]));
    // A run that begins within the pause has it, too.
    expect(paused.startPoint(7000)).toMatchObject({ tag: { timestampMs: 7000 }, beside: [{ track: { track: 1 } }], unaligned: [] });
  });

  test('that is announced and comes late is silence until it comes, and is waited for a moment', () => {
    const late = made(config, ...first(0, 900));
    expect(late.startPoint(0)).toBeUndefined();
    for (const tag of [...first(900, 2000), ...both(2000, 3000)]) late.push(tag);
    expect(late.startPoint(0)).toMatchObject({ beside: [{ track: { track: 1 } }], unaligned: [] });
    expect(holeOf(ofIt(late))).toBeLessThan(60);
  });

  test('goes on beside the first while the picture pauses', () => {
    const paused = made(config, ...both(0, 3000));
    paused.startPoint(0);
    for (const tag of both(3000, 11_000)) if (tag.type === tagType.audio) paused.push(tag);
    expect(paused.startPoint(3000, 1)).toMatchObject({ tag: { kind: 'audio', timestampMs: 3000 }, beside: [{ track: { track: 1 } }] });
  });

  test('of which no silence can be made is named while it pauses, so that nothing else stands in for it', () => {
    const paused = made(mp3Config, ...both(0, 2000, mp3Frame));
    expect(paused.startPoint(0)).toMatchObject({ beside: [{ track: { track: 1 } }], sounds: [{ track: 1 }] });
    for (const tag of first(2000, 5000)) paused.push(tag);
    const point = paused.startPoint(4500, 1);
    expect([point?.beside, point?.sounds?.map(({ track }) => track)]).toEqual([undefined, [1]]);
  });
});
