import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { adtsHeader } from './adts.core.ts';
import { avcStream, hevcStream } from './annex-b.core.ts';
import { crc32 } from './crc.core.ts';
import { canBeTransported, MpegTsError, segmentToTs } from './index.ts';
import { fillPackets, packetBytes, packetsOf, PacketWriter } from './packet-writer.core.ts';
import { pes } from './pes.core.ts';
import { programAssociation, programMap } from './psi.core.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

describe('tables', () => {
  test('are those that ffmpeg writes for the same program, checksums included', () => {
    // Pointer, then the section: table, length, stream id 1, version 0, program 1 at 0x1000.
    expect(programAssociation()).toEqual(hex('00 00b00d 0001 c1 00 00 0001 f000 2ab104b2'));
    expect(programMap({ video: 0x1b, audio: 0x0f })).toEqual(hex('00 02b017 0001 c1 00 00 e100 f000 1b e100 f000 0f e101 f000 2f44b99b'));
  });

  test('have a checksum that makes their remainder zero', () => {
    for (const section of [programAssociation(), programMap({ audio: 0x0f }), programMap({ video: 0x24 })]) expect(crc32(section.subarray(1))).toBe(0);
  });
});

describe('a PES', () => {
  test('tells both times of a picture, and one of a sound, modulo 2^33', () => {
    const picture = pes('video', { pid: 256, presentationTicks: 90_000, decodeTicks: 81_000, isEntry: true, payload: [Uint8Array.of(9)] });
    expect(picture.parts[0]).toEqual(hex('000001e0 0000 84 c0 0a 310005bf21 11000578d1'));
    const sound = pes('audio', { pid: 257, presentationTicks: 2 ** 33 + 1, decodeTicks: 2 ** 33 + 1, isEntry: true, payload: [Uint8Array.of(1, 2)] });
    expect(sound.parts[0]).toEqual(hex('000001c0 000a 84 80 05 2100010003'));
  });

  test('of any size is spread over any number of packets and read back whole', () => {
    const arbitrary = fc.record({
      bytes: fc.integer({ min: 40, max: 2000 }),
      more: fc.integer({ min: 0, max: 15 }),
      isEntry: fc.boolean(),
      clock: fc.boolean(),
    });
    fc.assert(
      fc.property(arbitrary, ({ bytes, more, isEntry, clock }) => {
        const payload = Uint8Array.from({ length: bytes }, (_, n) => n & 0xff);
        const one = pes('video', { pid: 256, presentationTicks: 1, decodeTicks: 1, isEntry, payload: [payload.subarray(0, 7), payload.subarray(7)] });
        const packets = packetsOf(one, clock) + more;
        const writer = new PacketWriter(packets);
        writer.pes(one, packets, clock ? 2 ** 33 - 1 : undefined);
        const read = readPackets(writer.done());
        expect(read.map(({ counter }) => counter)).toEqual(Array.from({ length: packets }, (_, n) => n & 15));
        expect(read.map(({ isStart }) => isStart)).toEqual(Array.from({ length: packets }, (_, n) => n === 0));
        expect(read[0]?.isEntry).toBe(isEntry);
        expect(read[0]?.clockTicks).toBe(clock ? 2 ** 33 - 1 : undefined);
        expect(Buffer.concat(read.map((packet) => packet.payload)).subarray(14)).toEqual(Buffer.from(payload));
      }),
      { numRuns: 60 },
    );
  });

  test('is filled up to a multiple of sixteen packets', () => {
    expect([0, 1, 15, 16, 17].map(fillPackets)).toEqual([0, 15, 1, 0, 15]);
  });
});

interface Packet {
  readonly pid: number;
  readonly isStart: boolean;
  readonly counter: number;
  readonly isEntry: boolean;
  readonly clockTicks: number | undefined;
  readonly payload: Uint8Array;
}

/** ISO/IEC 13818-1 section 2.4.3.2, read as a demultiplexer does. */
function readPackets(bytes: Uint8Array): Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length; at += packetBytes) {
    const packet = Buffer.from(bytes.subarray(at, at + packetBytes));
    expect(packet[0]).toBe(0x47);
    const hasField = (packet.readUInt8(3) & 0x20) !== 0;
    const fieldBytes = hasField ? packet.readUInt8(4) : 0;
    const flags = fieldBytes > 0 ? packet.readUInt8(5) : 0;
    const hasClock = (flags & 0x10) !== 0;
    packets.push({
      pid: packet.readUInt16BE(1) & 0x1fff,
      isStart: (packet.readUInt8(1) & 0x40) !== 0,
      counter: packet.readUInt8(3) & 15,
      isEntry: (flags & 0x40) !== 0,
      clockTicks: hasClock ? packet.readUInt32BE(6) * 2 + (packet.readUInt8(10) >> 7) : undefined,
      payload: packet.subarray(hasField ? 5 + fieldBytes : 4),
    });
  }
  return packets;
}

describe('elementary streams', () => {
  test('of H.264 begin each access unit with a delimiter, and where decoding can begin with the parameter sets', () => {
    const { accessUnit, streamType } = avcStream(hex('0164001fffe1001a6764001facd9405005bb0110000003001000000303c0f183196001000668ebe3cb22c0'));
    expect(streamType).toBe(0x1b);
    const sample = hex('00000002 09f0 00000003 65aabb 00000000 00000009 65');
    const joined = (isEntry: boolean): string => Buffer.concat([...accessUnit(sample, isEntry)]).toString('hex');
    expect(joined(false)).toBe('0000000109f0' + '0000000165aabb');
    expect(joined(true)).toMatch(/^0000000109f0000000016764001f.*0000000168ebe3cb22c00000000165aabb$/);
  });

  test('of HEVC have their own', () => {
    const config = new Uint8Array([1, ...new Uint8Array(20), 3, 1, 0xa0, 0, 1, 0, 3, 0x40, 1, 2]);
    const { accessUnit, streamType } = hevcStream(config);
    expect(streamType).toBe(0x24);
    expect(Buffer.concat([...accessUnit(hex('00000002 2601'), true)]).toString('hex')).toBe('00000001460150' + '00000001400102' + '000000012601');
    expect(() => hevcStream(config.subarray(0, 29))).toThrow(MpegTsError);
  });

  test('of AAC have a header before each frame', () => {
    // LC, 44.1 kHz, two channels; a frame of 4 bytes.
    expect(adtsHeader(hex('1210'))(4)).toEqual(hex('fff150800 17ffc'.replaceAll(' ', '')));
    expect(() => adtsHeader(hex('1210'))(9000)).toThrow(MpegTsError);
    expect(() => adtsHeader(hex('f800'))).toThrow(MpegTsError);
  });
});

test('what players expect in a transport stream is carried', () => {
  const known = ['avc1.64001f', 'hvc1.1.6.L93.B0', 'mp4a.40.2', 'mp4a.6b', 'av01.0.05M.08', 'opus', 'fLaC', 'vp09.00.10.08'];
  expect(known.map(canBeTransported)).toEqual([true, true, true, true, false, false, false, false]);
});

test('any bytes lead to its own error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }), (init, segment) => {
      expect(() => segmentToTs({ mediaSequence: 1, tracks: [{ init, segment }] })).toThrow(MpegTsError);
    }),
  );
  expect(() => segmentToTs({ mediaSequence: 1, tracks: [] })).toThrow(MpegTsError);
});
