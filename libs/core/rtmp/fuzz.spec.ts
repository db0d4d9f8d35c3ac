import {
  canonicalBody,
  decodeAmf0,
  decodeMetadata,
  encodeFlvHeader,
  encodeMetadata,
  encodeTag,
  FlvError,
  FlvReader,
  parseAacConfig,
  parseAvcConfig,
  tagType,
  trackBodyOf,
} from '#core/flv';
import { Prng } from '#kernel';
import { describe, expect, test } from '@jest/globals';
import { ChunkWriter } from './chunk-writer.core.ts';
import { encodeCommand } from './command.codec.ts';
import { RtmpError } from './errors.ts';
import { ServerSession } from './server-session.core.ts';
import { SlabPool } from './slab-pool.core.ts';
import { fixture, transcripts } from './testing/fixtures.ts';
import { mutate } from './testing/mutate.ts';

/** Of every transcript of the corpus; each seed below is a run. */
const runs = 25;
const heldBytesMax = 10 * 1024 * 1024;

function codeOf(error: unknown): string {
  if (error instanceof RtmpError || error instanceof FlvError) return error.code;
  throw error;
}

/** Feeds a session piece by piece; every effect is taken, every tag released. */
function feed(input: Uint8Array, prng: Prng, pool: SlabPool): void {
  const session = new ServerSession({ app: 'live', pool, seed: 1 }, 0);
  let closes = 0;
  let heldMax = 0;
  const step = (one: Parameters<ServerSession['step']>[0], now: number): void => {
    for (const effect of session.step(one, now)) {
      expect(closes).toBe(0);
      if (effect.kind === 'media') effect.tag.release();
      if (effect.kind === 'close') closes += 1;
      if (effect.kind === 'close' && effect.error !== undefined) codeOf(effect.error);
    }
    if (session.phase === 'deciding') step({ kind: prng.next() < 0.9 ? 'publish-accepted' : 'publish-refused', description: 'no' }, now);
    heldMax = Math.max(heldMax, pool.held * pool.slabBytes);
  };
  for (let at = 0, now = 0; at < input.length; now += prng.nextInteger(0, 100)) {
    const count = prng.nextInteger(1, 6000);
    step({ kind: 'bytes', bytes: input.slice(at, at + count) }, now);
    step({ kind: 'tick' }, now);
    at += count;
  }
  step({ kind: 'end', status: { level: 'status', code: 'x', description: '' } }, 0);
  expect(closes).toBe(1);
  expect(heldMax).toBeLessThanOrEqual(heldBytesMax);
  expect(pool.held).toBe(0);
}

describe('no bytes do more than end a session with a typed error', () => {
  const pool = new SlabPool();

  test.each(transcripts)('damaged: %s', (name) => {
    const prng = new Prng(0xf00d);
    // The first kilobytes hold all there is to break; the rest is media.
    const input = fixture(name).slice(0, 9000);
    for (let run = 0; run < runs; run++) feed(mutate(input, prng), prng, pool);
  });

  test('damaged behind the handshake only, in the chunks of commands and media', () => {
    const prng = new Prng(0xbeef);
    const input = fixture('ffmpeg-chunks-of-128').slice(0, 9000);
    for (let run = 0; run < runs; run++) {
      const tail = mutate(input.subarray(3073), prng);
      feed(Uint8Array.from([...input.subarray(0, 3073), ...tail]), prng, pool);
    }
  });

  test('damaged bodies of Enhanced RTMP within good chunks', () => {
    const prng = new Prng(0xe27);
    const samples = [
      [9, 'a7020000019611687663310000000400000000010000' + '01bb'],
      [9, '9061763031812400000a0e20000024cfa70dbfff3404340080'],
      [9, 'd461763031020009636f6c6f72496e666f03000b636f6c6f72436f6e666967050000' + '09'],
      [8, '95114f70757300000001aa0100' + '0002bbcc'],
      [8, '904f7075734f707573486561640101380180bb0000000000'],
    ] as const;
    for (let run = 0; run < runs; run++) {
      const writer = new ChunkWriter();
      for (const [at, rest] of [[], ['key']].entries()) {
        const payload = encodeCommand({
          name: ['connect', 'publish'][at] as string,
          transactionId: at + 1,
          object: { app: 'live', capsEx: 15 },
          arguments: rest,
        });
        writer.write({ chunkStreamId: 3, type: 20, timestamp: 0, messageStreamId: 0, payload });
      }
      for (const [type, text] of samples) {
        const payload = prng.next() < 0.5 ? mutate(Buffer.from(text, 'hex'), prng) : Buffer.from(text, 'hex');
        writer.write({ chunkStreamId: 7, type, timestamp: run, messageStreamId: 1, payload });
      }
      feed(Uint8Array.from([3, ...new Uint8Array(3072), ...writer.take()]), prng, pool);
    }
  });

  test('noise behind a good handshake', () => {
    const prng = new Prng(0xcafe);
    for (let run = 0; run < runs; run++) {
      const input = new Uint8Array(3073 + prng.nextInteger(1, 2000));
      for (let i = 3073; i < input.length; i++) input[i] = prng.nextUint32() & 0xff;
      input[0] = 3;
      feed(input, prng, pool);
    }
  });
});

describe('no bytes do more than make a codec throw its typed error', () => {
  const avc = Uint8Array.from(Buffer.from('0164001fffe1001b6764001facd9405005bb0110000003001000000303c0f183196001000668ebe3cb22c0', 'hex'));
  const command = encodeCommand({ name: 'connect', transactionId: 1, object: { app: 'live', nested: { list: [1, 'two', null] } }, arguments: ['a', true] });
  const script = encodeMetadata({ width: 1280, height: 720, encoder: 'x' });
  const amf3 = Uint8Array.from(Buffer.from('020007636f6e6e656374110a0b010361060568690362060201110905010401110a13010361040109', 'hex'));
  const video = Uint8Array.from(Buffer.from('a702000001961168766331000000040000000a01000001bb', 'hex'));
  const audio = Uint8Array.from(Buffer.from('9700fff702000001954f70757300aabb', 'hex'));
  const track = Uint8Array.from(Buffer.from('960161766331030000210000000141', 'hex'));
  const flv = Uint8Array.from([
    ...encodeFlvHeader({ audio: true, video: true }),
    ...encodeTag({ type: tagType.script, timestampMs: 0, body: script }),
    ...encodeTag({ type: tagType.video, timestampMs: 40, body: avc }),
  ]);

  test.each([
    ['AMF 0 commands', command, (bytes: Uint8Array) => decodeAmf0(bytes)],
    ['AMF 3 values', amf3, (bytes: Uint8Array) => decodeAmf0(bytes)],
    ['extended video', video, (bytes: Uint8Array) => canonicalBody(bytes, 'video')],
    ['extended audio', audio, (bytes: Uint8Array) => canonicalBody(bytes, 'audio')],
    ['bodies of further tracks', track, (bytes: Uint8Array) => trackBodyOf(bytes, 'video')],
    ['metadata', script, (bytes: Uint8Array) => decodeMetadata(bytes)],
    ['AVC configurations', avc, (bytes: Uint8Array) => parseAvcConfig(bytes)],
    ['AAC configurations', Uint8Array.of(0x11, 0x90, 0x56, 0xe5, 0), (bytes: Uint8Array) => parseAacConfig(bytes)],
    ['FLV', flv, (bytes: Uint8Array) => new FlvReader({ tagBytesMax: 1 << 20 }).push(bytes)],
  ])('damaged %s', (_name, sample, parse) => {
    const prng = new Prng(0xdead);
    let refused = 0;
    for (let run = 0; run < runs * 5; run++) {
      try {
        parse(mutate(sample, prng));
      } catch (error) {
        refused += codeOf(error).length > 0 ? 1 : 0;
      }
    }
    expect(refused).toBeGreaterThan(0);
  });
});
