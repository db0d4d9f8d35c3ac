import { describe, expect, test } from '@jest/globals';
import { formatAge, formatBitrate, formatBytes, formatRatio, formatSpan, gistOf } from './format.ts';

describe('format', () => {
  test.each([
    [0, '0:00'],
    [245_400, '4:05'],
    [3_723_000, '1:02:03'],
  ])('%d ms long', (ms, text) => expect(formatSpan(ms)).toBe(text));

  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1400, '1.4 KB'],
    [640_000, '640 KB'],
    [1_500_000_000, '1.5 GB'],
  ])('%d bytes', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  test.each([
    [2_750_000, '2.8 Mbit/s'],
    [128_000, '128 kbit/s'],
  ])('%d bit/s', (rate, text) => expect(formatBitrate(rate)).toBe(text));

  test.each([
    [null, '–'],
    [0, '0 %'],
    [0.9876, '98.8 %'],
    [0.99999, '99.9 %'],
    [1, '100 %'],
  ])('ratio %p', (ratio, text) => expect(formatRatio(ratio)).toBe(text));

  test.each([
    [Number.NaN, '–'],
    [-5, '0 s'],
    [59_000, '59 s'],
    [125_000, '2 min'],
    [7_300_000, '2 h'],
    [200_000_000, '2 d'],
  ])('%d ms ago', (ms, text) => expect(formatAge(ms)).toBe(text));

  test.each([
    [{ streamId: 'st-1', rendition: '720p', mediaSequence: 4, durationUs: 2_000_000, sizeBytes: 640_000 }, '720p #4 2.00 s 640 KB'],
    [{ purgeId: 'pg-1', urls: ['/a', '/b'], reason: '' }, '/a /b'],
    [{ edgeId: 'edge-1', hits: 9, requests: 10 }, 'edge-1 9 hits of 10'],
    [{ streamId: 'st-1', reason: 'operator' }, 'operator st-1'],
    [{}, ''],
  ])('gist of %j', (data, text) => expect(gistOf(data)).toBe(text));
});
