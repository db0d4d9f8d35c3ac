import { expect, test } from '@jest/globals';
import { saysWhy } from './reason.ts';

test.each([
  ['', false],
  ['   ', false],
  ['x', false],
  ['x  y', false],
  ['\u00a0a\u3000b\n', false],
  ['OPS', true],
  [' b y e ', true],
  ['停电了', true],
])('%p', (reason, says) => {
  expect(saysWhy(reason)).toBe(says);
});
