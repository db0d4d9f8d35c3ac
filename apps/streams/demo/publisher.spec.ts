import { describe, expect, test } from '@jest/globals';
import { withoutKey } from './publisher.ts';

describe('what the demo tells of its publisher', () => {
  test.each([
    ['Error closing file rtmp://127.0.0.1:1935/live/st-5x57-jmjz: Broken pipe', 'Error closing file rtmp://127.0.0.1:1935/live/***: Broken pipe'],
    ['rtmp://a/live/k1 and rtmps://b:1/live/k2', 'rtmp://a/live/*** and rtmps://b:1/live/***'],
    ['Conversion failed!', 'Conversion failed!'],
  ])('%s', (text, shown) => expect(withoutKey(text)).toBe(shown));
});
