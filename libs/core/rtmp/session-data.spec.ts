import { encodeAmf0, encodeAmf0Script } from '#core/flv';
import { describe, expect, test } from '@jest/globals';
import { aacConfig, aacFrame, avcConfig, keyFrame, Client } from './testing/session-client.ts';

describe('data that cannot be read', () => {
  test.each([
    ['a name that is no AMF', 18, [0xff, 0]],
    ['a name that is cut', 18, [2, 0, 9, 0x6f]],
    ['AMF 3 that is cut', 15, [0, 0x11, 0x06]],
    ['metadata that is cut', 18, [...encodeAmf0Script('onMetaData', { width: 640 })].slice(0, -6)],
    ['metadata that nests too deep', 18, [2, 0, 10, ...Buffer.from('onMetaData'), ...Array.from({ length: 2000 }, () => [0x0a, 0, 0, 0, 1]).flat()]],
  ])('is passed over and counted: %s', (_name, type, payload) => {
    const client = new Client().publish().send(type, Uint8Array.from(payload)).send(9, avcConfig).send(9, keyFrame);
    expect(client.kinds().filter((kind) => kind !== 'send')).toEqual(['publish', 'media sequence-header', 'media frames']);
    expect(client.session.counts).toMatchObject({ unreadableData: 1 });
  });
});

describe('aggregate messages', () => {
  function aggregated(type: number, timestamp: number, payload: Uint8Array, length = payload.length): number[] {
    const uint24 = (value: number): number[] => [(value >> 16) & 255, (value >> 8) & 255, value & 255];
    return [type, ...uint24(length), ...uint24(timestamp), timestamp >>> 24, 0, 0, 0, ...payload, 0, ...uint24(payload.length + 11)];
  }

  test('are their messages, whose times begin with that of the aggregate', () => {
    const client = new Client().publish().send(8, aacConfig).send(9, avcConfig).send(9, keyFrame, 1000);
    client.effects.length = 0;
    const first = 0xff_ff_ff_f0;
    const parts = [
      aggregated(9, first, keyFrame),
      aggregated(8, (first + 20) >>> 0, aacFrame),
      aggregated(18, (first + 20) >>> 0, encodeAmf0('onTextData', { text: 'now' })),
      aggregated(3, first, new Uint8Array(4)),
      aggregated(8, first, new Uint8Array(0)),
      aggregated(9, (first + 40) >>> 0, Uint8Array.of(0x27, 1, 0, 0, 0, 7)),
    ];
    client.send(22, Uint8Array.from(parts.flat()), 1040);
    expect(client.effects.map((effect) => (effect.kind === 'media' || effect.kind === 'cue' ? [effect.kind, effect.timestampMs] : effect.kind))).toEqual([
      ['media', 40],
      ['media', 60],
      ['cue', 60],
      ['media', 80],
    ]);
    for (const effect of client.effects) if (effect.kind === 'media') effect.tag.release();
  });

  test.each([
    ['a message that ends behind it', aggregated(9, 0, keyFrame, 100)],
    ['half a head', [9, 0, 0]],
  ])('with %s end the session', (_name, aggregate) => {
    const client = new Client().publish().send(22, Uint8Array.from(aggregate));
    expect(client.closedWith()).toBe('RTMP_MESSAGE_INVALID');
    expect(client.pool.held).toBe(0);
  });

  test('of nobody who publishes are passed over', () => {
    const client = new Client()
      .shakeHands()
      .command('connect', 1, { app: 'live' })
      .send(22, Uint8Array.of(9, 0, 0));
    expect(client.closedWith()).toBeUndefined();
  });
});
