import { describe, expect, test } from '@jest/globals';
import { delayMsMax, withoutKey } from './publisher.ts';

describe('what the demo tells of its publisher', () => {
  test.each([
    ['Error closing file rtmp://127.0.0.1:1935/live/st-5x57-jmjz: Broken pipe', 'Error closing file rtmp://127.0.0.1:1935/live/***: Broken pipe'],
    ['rtmp://a/live/k1 and rtmps://b:1/live/k2', 'rtmp://a/live/*** and rtmps://b:1/live/***'],
    ['Conversion failed!', 'Conversion failed!'],
  ])('%s', (text, shown) => expect(withoutKey(text)).toBe(shown));
});

test.each([
  [0, 3000],
  [10, 3000],
  [11, 60_000],
  [10_000, 60_000],
])('after %d failures in a row the demo waits %d ms at most', (failures, ms) => expect(delayMsMax(failures)).toBe(ms));
