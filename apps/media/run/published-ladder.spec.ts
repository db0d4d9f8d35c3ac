import { describe, expect, test } from '@jest/globals';
import type { BesideTrack, StartPoint } from '../feed/feed.types.ts';
import type { StreamState } from '../fold/stream-fold.core.ts';
import { planCarriage } from './source-carriage.core.ts';

/** Real configurations of libx264: FLV prefix, then AVCDecoderConfigurationRecord, 320x180 and 160x90. */
const avc180 = Uint8Array.from(Buffer.from('1700000000014d400dffe10019674d400deca0a0cfcf8088000003000800000301e078a14cb001000468ce0fc8', 'hex'));
const avc90 = Uint8Array.from(Buffer.from('1700000000014d400bffe10017674d400beca146fc980880000003008000001e078a14cb01000468ce0fc8', 'hex'));
const vp9 = Uint8Array.from(Buffer.from('907670303901000000001f800202020000', 'hex'));
const aac = Uint8Array.of(0xaf, 0, 0x12, 0x10);
const flac = Uint8Array.from(Buffer.from('90664c6143664c614380000022120012000004170004de0ac440f0000044e89439695cd2ddf00b36d1bcf843b27f89', 'hex'));

const source = { name: 'source', height: 2160, videoBitrate: 6_000_000, passThrough: true };
const rung = (name: string, height: number): StreamState['rungs'][number] => ({ name, height, videoBitrate: 300_000 });
const wishes = { mayCarry: true, withoutTopRung: false, halfFrameRate: false };

function state(rungs: StreamState['rungs'], establishedVideo: readonly string[] = []): StreamState {
  const about = { streamId: 'st-1', audioBitrate: 96_000, segmentDurationMs: 2000, sessions: [], encodingEpoch: 1, encodingVideo: [] };
  return { ...about, rungs, establishedVideo };
}

const beside = (track: number, config: Uint8Array, metadata: BesideTrack['metadata'] = {}): BesideTrack => ({
  track: { kind: 'video', track, config },
  metadata,
});

function start(tracks: readonly BesideTrack[], config = avc180, audio: Uint8Array | undefined = aac): StartPoint {
  const generation = { number: 0, video: config, audio, sealed: true, muted: false };
  const video = { codec: 'h264', width: config === avc180 ? 320 : 160, height: config === avc180 ? 180 : 90, frameRate: 30, interlaced: false };
  const sound = audio === flac ? { codec: 'flac' } : { codec: 'aac', sampleRate: 44_100, channels: 2 };
  const tag = { kind: 'video' as const, timestampMs: 0, presentationMs: 0, keyFrame: true, body: new Uint8Array(0), generation };
  return { index: 0, tag, source: { video: { ...video, bitrate: 900_000 }, ...(audio && { audio: sound }) }, beside: tracks };
}

function planned(of: StreamState, at: StartPoint, other: Partial<typeof wishes> = {}): { made: string[]; encoded: string[]; beside: string[] } {
  const { renditions, encoded, carried } = planCarriage(of, at, { ...wishes, ...other });
  return {
    made: renditions.map((one) => (one.kind === 'video' ? `${one.name} ${one.width}x${one.height}` : one.name)),
    encoded: encoded.map(({ name }) => name),
    beside: (carried.beside ?? []).map(({ rendition, track }) => `${rendition.name} of ${track?.track ?? 0}`),
  };
}

describe('a publisher that sends its ladder', () => {
  test('is carried as it is, whatever ladder the stream would have', () => {
    const ladder = { made: ['180p 320x180', '90p 160x90', 'audio'], encoded: [], beside: ['90p of 1'] };
    expect(planned(state([rung('720p', 720), rung('90p', 90)]), start([beside(1, avc90)]))).toEqual(ladder);
    const own = planned(state([source]), start([beside(1, avc90)]));
    expect(own).toEqual({ ...ladder, made: ['source 320x180', '90p 160x90', 'audio'] });
  });

  test('tells bitrates and rates of each, and where it does not, what such a picture usually takes', () => {
    const { renditions } = planCarriage(state([source]), start([beside(1, avc90, { videoKbps: 200, frameRate: 15 }), beside(2, avc90)]), wishes);
    const told = renditions.map((one) => [one.name, one.bitrate, one.kind === 'video' ? one.frameRate.numerator : 0]);
    expect(told).toEqual([
      ['source', 900_000, 30],
      ['90p', 200_000, 15],
      ['90p-h264', 200_000, 30],
      ['audio', 160_000, 0],
    ]);
  });

  test('of which a track cannot be carried is carried without it; of which the first or the sound cannot, not at all', () => {
    expect(planned(state([source]), start([beside(1, vp9), beside(2, avc90)])).beside).toEqual(['90p of 2']);
    expect(planned(state([source]), start([beside(1, avc90)], avc180, flac)).encoded).toEqual(['audio']);
    expect(planned(state([source]), start([beside(1, avc90)]), { mayCarry: false }).beside).toEqual([]);
  });
});

describe('a source that is not carried', () => {
  const bitrateOf = (height: number, told: number | undefined, sentBitrate: number | undefined, of: StreamState['rungs'][number] = source): unknown => {
    const at = start([]);
    const video = { codec: 'h264', width: Math.round((height * 8) / 9) * 2, height, frameRate: 30, interlaced: false };
    const plan = planCarriage(
      state([of]),
      { ...at, source: { video: told === undefined ? video : { ...video, bitrate: told } } },
      { ...wishes, mayCarry: false, sentBitrate },
    );
    const [made] = plan.encoded;
    return made?.bitrate;
  };

  test.each([
    ['a small black picture, as little as it warrants', 90, undefined, 12_000, 200_000],
    ['a small picture that was not measured, what it warrants at most', 180, undefined, undefined, 259_000],
    ['a large one, half more than it sends', 1080, undefined, 3_000_000, 4_500_000],
    ['one that says more than it sends just now, as much as it says', 1080, 5_000_000, 200_000, 5_000_000],
    ['one that shows black for a moment, what such a picture needs', 1080, undefined, 20_000, 3_110_000],
    ['one that sends more than is asked for, as much as is asked for', 1080, 20_000_000, 20_000_000, 6_000_000],
  ])('is encoded as well as it is: %s', (_name, height, told, sent, expected) => {
    expect(bitrateOf(height, told, sent)).toBe(expected);
  });

  test('does not bound a rung that was asked for with its bitrate', () => {
    expect(bitrateOf(1080, undefined, 20_000, { name: '1080p', height: 1080, videoBitrate: 6_000_000 })).toBe(6_000_000);
  });
});

describe('renditions that players know', () => {
  test('and a publisher does not have are the picture that comes closest', () => {
    const established = state([source], ['source', '720p', '90p', '40p']);
    expect(planned(established, start([beside(1, avc90)]))).toEqual({
      made: ['source 320x180', '90p 160x90', '720p 320x180', '40p 160x90', 'audio'],
      encoded: [],
      beside: ['90p of 1', '720p of 0', '40p of 1'],
    });
  });

  test('by tracks of one before are the only picture of one that follows, where nothing is to be encoded', () => {
    expect(planned(state([source], ['source', '90p']), start([])).beside).toEqual(['90p of 0']);
    expect(planned(state([source], ['source']), start([])).beside).toEqual([]);
  });

  test('are encoded where the stream has rungs for them, and in their size where they are named by it', () => {
    const { made, encoded } = planned(state([rung('180p', 180), rung('90p', 90)], ['180p', '90p', '60p']), start([]));
    expect(made).toEqual(['180p 320x180', '90p 160x90', '60p 106x60', 'audio']);
    expect(encoded).toHaveLength(4);
  });
});
