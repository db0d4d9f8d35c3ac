import { describe, expect, test } from '@jest/globals';
import type { BesideTrack, StartPoint } from '../feed/feed.types.ts';
import type { Sound, StreamState } from '../fold/stream-fold.core.ts';
import { planCarriage } from './source-carriage.core.ts';

/** Real configurations of libx264 (320x180), of an AAC and of an Opus encoder. */
const avc = Uint8Array.from(Buffer.from('1700000000014d400dffe10019674d400deca0a0cfcf8088000003000800000301e078a14cb001000468ce0fc8', 'hex'));
const aac = Uint8Array.of(0xaf, 0, 0x12, 0x10);
const mp3 = Uint8Array.of(0x90, ...Buffer.from('.mp3'));
const opus = Uint8Array.from(Buffer.from('904f7075734f707573486561640102380180bb0000000000', 'hex'));

const source = { name: 'source', height: 2160, videoBitrate: 6_000_000, passThrough: true };
const rung = { name: '90p', height: 90, videoBitrate: 300_000 };
const wishes = { mayCarry: true, withoutTopRung: false, halfFrameRate: false };

function state(rungs: StreamState['rungs'], more: Partial<StreamState> = {}): StreamState {
  const about = { streamId: 'st-1', audioBitrate: 96_000, segmentDurationMs: 2000, sessions: [], encodingEpoch: 1, encodingVideo: [] };
  return { ...about, rungs, establishedVideo: [], ...more };
}

const sound = (track: number, config: Uint8Array = aac, metadata: BesideTrack['metadata'] = {}): BesideTrack => ({
  track: { kind: 'audio', track, config },
  metadata,
});

function start(beside: readonly BesideTrack[], first?: StartPoint['sound']): StartPoint {
  const generation = { number: 0, video: avc, audio: aac, sealed: true, muted: false };
  const video = { codec: 'h264', width: 320, height: 180, frameRate: 30, interlaced: false };
  const tag = { kind: 'video' as const, timestampMs: 0, presentationMs: 0, keyFrame: true, body: new Uint8Array(0), generation };
  return { index: 0, tag, source: { video, audio: { codec: 'aac', sampleRate: 44_100, channels: 2 } }, beside, ...(first && { sound: first }) };
}

function planned(of: StreamState, at: StartPoint): Record<string, unknown> {
  const { renditions, encoded, carried, echoes = [], encodedSounds = [] } = planCarriage(of, at, wishes);
  return {
    sounds: renditions.flatMap((one) => (one.kind === 'audio' ? [[one.name, one.language, one.label].filter((each) => each !== undefined).join(' ')] : [])),
    encoded: encoded.map(({ name }) => name),
    carried: (carried.beside ?? []).map(({ rendition, track }) => `${rendition.name} of ${track?.track ?? 0}`),
    echoes: echoes.map(({ rendition, of: name }) => `${rendition.name} of ${name}`),
    inputs: encodedSounds.map(({ rendition, track }) => `${rendition.name} of ${track.track} at ${rendition.input}`),
  };
}

const known = (...names: string[]): { readonly establishedAudio: readonly Sound[] } => ({ establishedAudio: names.map((name) => ({ name })) });
const nothing = { echoes: [], inputs: [], carried: [], encoded: [] };

describe('the sounds of a publisher', () => {
  test('are one where it sends one, told as ever, unless somebody said what it is', () => {
    expect(planned(state([source]), start([]))).toEqual({ ...nothing, sounds: ['audio'] });
    expect(planned(state([source], { audioTracks: [{ track: 0, language: 'fr' }] }), start([]))).toEqual({ ...nothing, sounds: ['audio fr français'] });
  });

  test('are carried beside the first, whether the picture is carried or encoded', () => {
    const two = start([sound(1, aac, { language: 'de' })], { language: 'en' });
    const sounds = ['audio en English', 'audio-1 de Deutsch'];
    expect(planned(state([source]), two)).toEqual({ ...nothing, sounds, carried: ['audio-1 of 1'] });
    expect(planned(state([rung]), two)).toEqual({ ...nothing, sounds, carried: ['audio-1 of 1'], encoded: ['90p', 'audio'] });
  });

  test('are called what was set, then what the publisher says, then by their language, else by their number; no two alike', () => {
    const four = start([sound(1, aac, { language: 'de', name: 'Kommentar' }), sound(2, aac, { language: 'de' }), sound(4)]);
    const set = { audioTracks: [{ track: 2, label: 'Kommentar' }] };
    expect(planned(state([source], set), four)['sounds']).toEqual(['audio Main', 'audio-1 de Kommentar', 'audio-2 de Kommentar (3)', 'audio-4 Track 5']);
    expect(planned(state([source]), start([sound(1, aac, { language: 'xx-nowhere' })]))['sounds']).toEqual(['audio Main', 'audio-1 xx-nowhere Track 2']);
  });

  test('that not everybody decodes are encoded beside encoded pictures, and carried beside carried ones', () => {
    const sounds = ['audio Main', 'audio-1 Track 2', 'audio-2 de Deutsch', 'audio-3 Track 4'];
    const mixed = start([sound(1, opus), sound(2, aac, { language: 'de' }), sound(3, mp3)]);
    expect(planned(state([rung]), mixed)).toEqual({
      ...nothing,
      sounds,
      encoded: ['90p', 'audio', 'audio-1', 'audio-3'],
      carried: ['audio-2 of 2'],
      inputs: ['audio-1 of 1 at 1', 'audio-3 of 3 at 2'],
    });
    const { renditions } = planCarriage(state([rung]), mixed, wishes);
    expect(renditions.flatMap((one) => (one.kind === 'audio' ? [`${one.codecs} ${one.bitrate}`] : []))).toEqual([
      'mp4a.40.2 96000',
      'mp4a.40.2 96000',
      'mp4a.40.2 160000',
      'mp4a.40.2 96000',
    ]);
    expect(planned(state([source]), start([sound(1, opus)]))).toEqual({ ...nothing, sounds: ['audio Main', 'audio-1 Track 2'], carried: ['audio-1 of 1'] });
  });

  test('that players know and that do not come are the first under their name, and keep what they were called', () => {
    const before = { establishedAudio: [{ name: 'audio' }, { name: 'audio-1', language: 'de', label: 'Deutsch' }] };
    expect(planned(state([source], before), start([]))).toEqual({ ...nothing, sounds: ['audio Main', 'audio-1 de Deutsch'], carried: ['audio-1 of 0'] });
    expect(planned(state([rung], before), start([]))).toEqual({
      ...nothing,
      sounds: ['audio Main', 'audio-1 de Deutsch'],
      encoded: ['90p', 'audio'],
      echoes: ['audio-1 of audio'],
    });
    expect(planned(state([source], known('audio', 'audio-1', 'audio-2')), start([sound(2)]))['carried']).toEqual(['audio-2 of 2', 'audio-1 of 0']);
  });

  test('that players know and that pause are nothing meanwhile: nobody hears another language for them', () => {
    const paused = { ...start([]), sounds: [sound(1).track] };
    for (const rungs of [[source], [rung]]) {
      expect(planned(state(rungs, known('audio', 'audio-1')), paused)).toMatchObject({ echoes: [], carried: [], sounds: ['audio'] });
    }
  });

  test('are no more than can be told of, with all pictures', () => {
    const many = known(...Array.from({ length: 15 }, (_, n) => `audio-${n + 1}`));
    expect(planCarriage(state([source], many), start([sound(1), sound(2)]), wishes).renditions).toHaveLength(16);
  });
});
