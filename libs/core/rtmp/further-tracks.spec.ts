import { encodeTrack, enhancedPacket, trackBodyOf, tagType, type EnhancedPacket } from '#core/flv';
import { Prng } from '#kernel';
import { describe, expect, test } from '@jest/globals';
import { ChunkWriter } from './chunk-writer.core.ts';
import { encodeCommand } from './command.codec.ts';
import { FurtherTracks, tracksPerKindMax } from './further-tracks.core.ts';
import { handshakeBytes } from './handshake.core.ts';
import { messageType } from './rtmp.constants.ts';
import { ServerSession } from './server-session.core.ts';
import type { MediaMessage, ServerSessionEffect } from './session.types.ts';
import { SlabPool } from './slab-pool.core.ts';
import { mutate } from './testing/mutate.ts';

const avc = Uint8Array.from(Buffer.from('0142c028ffe100196742c028da01e0089f97011000000300100000030320f1832a01000468ce0fc8', 'hex'));
const start = (fourCc = 'avc1', payload = avc): EnhancedPacket => ({ frameType: 1, packetType: enhancedPacket.sequenceStart, fourCc, payload });
const frame = (key: boolean, fourCc = 'avc1'): EnhancedPacket => ({ frameType: key ? 1 : 2, packetType: 1, fourCc, payload: Uint8Array.of(0, 0, 0, 9, 9) });

describe('which packets of a further track are handed on', () => {
  const judged = (tracks: FurtherTracks, packets: ReadonlyArray<readonly [EnhancedPacket, number | undefined]>): unknown[] =>
    packets.map(([packet, at]) => tracks.judge({ id: 1, ...packet }, at, 70)).map((one) => one && [one.packet, one.timestampMs]);

  test('its configuration, then frames from a key frame on, at times that never go back', () => {
    const given = judged(new FurtherTracks('video'), [
      [frame(true), 0],
      [start(), undefined],
      [frame(false), 40],
      [frame(true), 80],
      [frame(false), 70],
      [{ ...frame(false), packetType: enhancedPacket.sequenceEnd }, 120],
    ]);
    expect(given).toEqual([undefined, ['sequence-header', 70], undefined, ['frames', 80], ['frames', 80], undefined]);
  });

  test('none from a time that is not of the session until its next key frame', () => {
    const given = judged(new FurtherTracks('video'), [
      [start(), 0],
      [frame(true), 0],
      [frame(false), undefined],
      [frame(false), 40],
      [frame(true), 80],
    ]);
    expect(given.map((one) => one !== undefined)).toEqual([true, true, false, false, true]);
  });

  test('none of a codec that cannot be carried, and none before a configuration with something in it', () => {
    const tracks = new FurtherTracks('video');
    expect(
      judged(tracks, [
        [start('vp08'), 0],
        [frame(true, 'vp08'), 0],
      ]),
    ).toEqual([undefined, undefined]);
    expect(
      judged(tracks, [
        [start('avc1', new Uint8Array(0)), 0],
        [frame(true), 0],
      ]),
    ).toEqual([undefined, undefined]);
    expect(tracks.size).toBe(1);
    expect(() => judged(tracks, [[start('avc1', Uint8Array.of(1, 2)), 0]])).toThrow(expect.objectContaining({ code: 'AVC_CONFIG_INVALID' }));
  });

  test('of no more tracks than there is room for', () => {
    const tracks = new FurtherTracks('audio');
    const aac = start('mp4a', Uint8Array.of(0x11, 0x90));
    for (let id = 1; id < tracksPerKindMax; id++) tracks.judge({ id, ...aac }, 0, 0);
    expect(() => tracks.judge({ id: tracksPerKindMax, ...aac }, 0, 0)).toThrow(expect.objectContaining({ code: 'RTMP_TRACKS_EXCEEDED' }));
  });
});

describe('a publisher of several tracks', () => {
  class Publisher {
    readonly pool = new SlabPool();
    readonly #session = new ServerSession({ app: 'live', pool: this.pool, seed: 1 }, 0);
    readonly #writer = new ChunkWriter();
    readonly effects: ServerSessionEffect[] = [];

    constructor() {
      this.#step(Uint8Array.of(3, ...new Uint8Array(2 * handshakeBytes)));
      this.#command('connect', { app: 'live' });
      this.#command('publish', null, 'key', 'live');
      this.effects.push(...this.#session.step({ kind: 'publish-accepted' }, 0));
    }

    send(payload: Uint8Array, timestamp: number, type: number = messageType.video): this {
      this.#writer.write({ chunkStreamId: 6, type, timestamp, messageStreamId: 1, payload });
      this.#step(this.#writer.take());
      return this;
    }

    get media(): MediaMessage[] {
      return this.effects.filter((one): one is MediaMessage => one.kind === 'media');
    }

    get answer(): string {
      return this.effects.map((one) => (one.kind === 'send' ? Buffer.from(one.bytes).toString('latin1') : '')).join('');
    }

    #step(bytes: Uint8Array): void {
      this.effects.push(...this.#session.step({ kind: 'bytes', bytes }, 0));
    }

    #command(name: string, object: { app: string } | null, ...rest: readonly string[]): void {
      this.send(encodeCommand({ name, transactionId: 1, object, arguments: rest }), 0, messageType.commandAmf0);
    }
  }

  const first = Uint8Array.of(0x17, 0, 0, 0, 0, ...avc);
  const key = Uint8Array.of(0x17, 1, 0, 0, 0, 9, 9, 9);

  test('each comes as a message of its own, on the clock of the first track', () => {
    const publisher = new Publisher().send(first, 0).send(encodeTrack('video', 2, start()), 0);
    publisher
      .send(key, 1000)
      .send(encodeTrack('video', 2, frame(true)), 1000)
      .send(encodeTrack('video', 2, frame(false)), 1040);
    // A jump of an hour: what comes before the first track has jumped is of no known time.
    publisher
      .send(encodeTrack('video', 2, frame(true)), 3_601_080)
      .send(key, 3_601_080)
      .send(encodeTrack('video', 2, frame(true)), 3_601_120);
    expect(publisher.media.map(({ track, packet, timestampMs, keyFrame }) => [track, packet, timestampMs, keyFrame])).toEqual([
      [0, 'sequence-header', 0, false],
      [2, 'sequence-header', 0, false],
      [0, 'frames', 0, true],
      [2, 'frames', 0, false],
      [2, 'frames', 40, false],
      [0, 'frames', 20, true],
      [2, 'frames', 60, false],
    ]);
    const { type, tag } = publisher.media[3] as MediaMessage;
    expect([type, trackBodyOf(tag.copyBody(), 'video')]).toEqual([tagType.video, { track: 2, body: Uint8Array.of(0x17, 1, 0, 0, 0, 9, 9) }]);
  });

  test('is told when there are too many, and ends', () => {
    const publisher = new Publisher().send(first, 0).send(key, 0);
    for (let id = 1; id <= tracksPerKindMax; id++) publisher.send(encodeTrack('video', id, start()), 0);
    expect(publisher.effects.at(-1)).toMatchObject({ kind: 'close', error: { code: 'RTMP_TRACKS_EXCEEDED' } });
    expect(publisher.answer).toContain('NetStream.Publish.Rejected');
    expect(publisher.answer).toContain('more than 8 tracks of video');
  });

  test('fuzz: whatever is in its messages, it ends in a typed error or goes on, and holds no memory', () => {
    const prng = new Prng(0x6d75);
    const sample = [encodeTrack('video', 1, start()), encodeTrack('video', 1, frame(true)), encodeTrack('video', 3, frame(false))];
    for (let run = 0; run < 300; run++) {
      const publisher = new Publisher().send(first, 0).send(key, 0);
      for (let at = 0; at < 12; at++) publisher.send(prng.next() < 0.6 ? mutate(prng.pick(sample), prng) : prng.pick(sample), at * 40);
      for (const { tag } of publisher.media) tag.release();
      const closed = publisher.effects.find((one) => one.kind === 'close');
      if (closed?.kind === 'close') expect(closed.error?.code).toMatch(/^[A-Z0-9_]+$/);
    }
  });
});
