import { describe, expect, test } from '@jest/globals';
import { decodeAbort, encodeAbort } from './abort.codec.ts';
import { decodeAcknowledgement, encodeAcknowledgement } from './acknowledgement.codec.ts';
import { decodeCommand, encodeCommand, unwrapAmf3 } from './command.codec.ts';
import { encodeSetDataFrame, scriptBodyOf } from './data-message.codec.ts';
import { decodeSetChunkSize, encodeSetChunkSize } from './set-chunk-size.codec.ts';
import { decodeSetPeerBandwidth, encodeSetPeerBandwidth } from './set-peer-bandwidth.codec.ts';
import { decodeUserControl, encodeUserControl } from './user-control.codec.ts';
import { decodeWindowAcknowledgementSize, encodeWindowAcknowledgementSize } from './window-acknowledgement-size.codec.ts';
import { decodeMetadata } from '#core/flv';

const invalid = expect.objectContaining({ code: 'RTMP_MESSAGE_INVALID' });

describe('control messages carry their number there and back', () => {
  test.each([
    ['Set Chunk Size', encodeSetChunkSize, decodeSetChunkSize, [1, 128, 65_536, 0x7fffffff]],
    ['Abort', encodeAbort, decodeAbort, [2, 65_599]],
    ['Acknowledgement', encodeAcknowledgement, decodeAcknowledgement, [0, 2_500_000, 0xffffffff]],
    ['Window Acknowledgement Size', encodeWindowAcknowledgementSize, decodeWindowAcknowledgementSize, [2_500_000, 0xffffffff]],
  ] as const)('%s', (_name, encode, decode, values) => {
    for (const value of values) expect(decode(encode(value))).toBe(value);
    expect(() => decode(new Uint8Array(3))).toThrow(invalid);
  });

  test('an Acknowledgement counts modulo 2^32', () => {
    expect(decodeAcknowledgement(encodeAcknowledgement(0x1_0000_0005))).toBe(5);
  });

  test.each([[new Uint8Array(4)], [Uint8Array.of(0x80, 0, 0, 1)]])('a chunk size of nothing, or with the reserved bit, cannot be', (payload) => {
    expect(() => decodeSetChunkSize(payload)).toThrow(invalid);
  });

  test.each(['hard', 'soft', 'dynamic'] as const)('Set Peer Bandwidth, %s', (limit) => {
    expect(decodeSetPeerBandwidth(encodeSetPeerBandwidth({ windowBytes: 2_500_000, limit }))).toEqual({ windowBytes: 2_500_000, limit });
  });

  test('Set Peer Bandwidth without a limit type cannot be', () => {
    expect(() => decodeSetPeerBandwidth(new Uint8Array([0, 0, 0, 1]))).toThrow(invalid);
  });
});

describe('User Control', () => {
  test.each([
    ['stream-begin', [1]],
    ['ping-request', [123_456]],
    ['ping-response', [0xffffffff]],
    ['set-buffer-length', [1, 3000]],
  ] as const)('%s there and back', (event, values) => {
    expect(decodeUserControl(encodeUserControl(event, ...values))).toEqual({ event, values });
  });

  test('an event of a single vendor is passed over', () => {
    expect(decodeUserControl(Uint8Array.of(0, 0x1f, 1, 2))).toEqual({ event: 'other', values: [] });
  });

  test.each([[Uint8Array.of(0)], [Uint8Array.of(0, 6, 1)]])('cut short it cannot be', (payload) => {
    expect(() => decodeUserControl(payload)).toThrow(invalid);
  });
});

describe('commands', () => {
  test('there and back', () => {
    const command = { name: 'connect', transactionId: 1, object: { app: 'live', objectEncoding: 0 }, arguments: ['x', 5, null, true] };
    const decoded = decodeCommand(encodeCommand(command));
    expect({ ...decoded, object: { ...decoded.object } }).toEqual(command);
  });

  test('in an AMF 3 message the leading zero is taken off', () => {
    const payload = encodeCommand({ name: 'publish', transactionId: 5, object: null, arguments: ['key', 'live'] });
    expect(decodeCommand(unwrapAmf3(Uint8Array.of(0, ...payload))).arguments).toEqual(['key', 'live']);
    expect(unwrapAmf3(payload)).toBe(payload);
  });

  test('without a name it is none', () => {
    expect(() => decodeCommand(Uint8Array.of(5))).toThrow(invalid);
  });

  test('a transaction id that is no number wants no reply', () => {
    expect(decodeCommand(encodeCommand({ name: 'x', transactionId: Number.NaN, object: null, arguments: [] })).transactionId).toBe(0);
  });
});

describe('data messages', () => {
  test('@setDataFrame is taken off, onMetaData stays as it was', () => {
    const body = scriptBodyOf(encodeSetDataFrame('onMetaData', { width: 1280, height: 720, encoder: 'obs-output module' }));
    expect(decodeMetadata(body as Uint8Array)).toEqual({ width: 1280, height: 720, encoder: 'obs-output module' });
  });

  test('any other data is not a script tag', () => {
    expect(scriptBodyOf(encodeSetDataFrame('onCuePoint', {}))).toBeUndefined();
  });
});
