import { expect, test } from '@jest/globals';
import { LimitBook } from './tenant-limits.core.ts';

test('each tenant has its own limits, and all others those of the star', () => {
  const book = LimitBook.parse('acme=streams:5, bitrate:8000000,height:1080; *=streams:100;') as LimitBook;
  expect([book.of('acme'), book.of('other')]).toEqual([{ streams: 5, bitrate: 8_000_000, height: 1080 }, { streams: 100 }]);
  expect((LimitBook.parse('acme=streams:0') as LimitBook).of('other')).toEqual({});
  expect((LimitBook.parse('') as LimitBook).of('other')).toEqual({});
});

test.each([
  'acme',
  'acme=',
  'acme=streams',
  'acme=streams:x',
  'acme=streams:-1',
  'acme=speed:1',
  'acme=streams:1,streams:2',
  'Acme=streams:1',
  'a=streams:1;a=streams:2',
])('%j cannot be read', (text) => {
  expect(typeof LimitBook.parse(text)).toBe('string');
});
