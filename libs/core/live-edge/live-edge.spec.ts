import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EdgeFrameReader, encodeEdgeFrame, type EdgeFrame, type EdgeMessage, type EdgePart } from './index.ts';

const place = { run: 'r1', rendition: '720p', mediaSequence: 7, initCid: 'binit', discontinuity: false, programDateTimeMs: 1_790_000_000_000 };
const part: EdgePart = { kind: 'part', ...place, index: 1, last: false, independent: false, startUs: 14_500_000, durationUs: 500_000 };
const messages: readonly EdgeMessage[] = [
  { kind: 'run', run: 'r1', mediaSequence: 7, renditions: ['720p', 'audio'] },
  part,
  {
    kind: 'segment',
    ...place,
    ...{ cid: 'bseg', sizeBytes: 9, startUs: 14_000_000, durationUs: 2_000_000, startTicks: 1, durationTicks: 2 },
    track: { timescale: 90_000, codecs: 'avc1.64001f', width: 1280 },
    keyFrames: [{ offset: 0, sizeBytes: 4, startTicks: 1 }],
    captions: [{ channel: 'cc1', cid: 'bvtt', sizeBytes: 40 }],
  },
  { kind: 'beat' },
];

const wire = (frames: readonly EdgeFrame[]): Uint8Array =>
  Uint8Array.from(frames.flatMap(({ message, bytes }) => [...encodeEdgeFrame(message, bytes.length), ...bytes]));
const text = (message: string): Uint8Array => {
  const body = new TextEncoder().encode(message);
  return Uint8Array.of(0, 0, 0, body.length, 0, 0, 0, 0, ...body);
};

describe('live edge', () => {
  test('frames come out as they went in, whatever the chunks', () => {
    const frame = fc.record({ message: fc.constantFrom(...messages), bytes: fc.uint8Array({ maxLength: 40 }) });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), fc.integer({ min: 1, max: 300 }), (frames, size) => {
        const bytes = wire(frames);
        const reader = new EdgeFrameReader();
        const read: EdgeFrame[] = [];
        for (let at = 0; at < bytes.length; at += size) read.push(...reader.push(bytes.subarray(at, at + size)));
        expect(read).toEqual(frames);
      }),
    );
  });

  test.each([
    ['no JSON', text('{')],
    ['no object', text('3')],
    ['an unknown kind', text('{"kind":"toString"}')],
    ['a field that is missing', text('{"kind":"run","run":"r1","mediaSequence":1}')],
    ['a name that would break a playlist', text(JSON.stringify({ ...part, rendition: 'a"b' }))],
    ['a number that is none', text(JSON.stringify({ ...part, index: -1 }))],
    ['a part beyond all measure', Uint8Array.of(0, 0, 0, 2, 255, 255, 255, 255)],
    ['a message beyond all measure', Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0)],
  ])('%s is an error', (_what, bytes) => {
    expect(() => new EdgeFrameReader().push(bytes)).toThrow(expect.objectContaining({ code: 'LIVE_EDGE_INVALID' }));
  });
});
