import { expect, test } from '@jest/globals';
import { appOf, publishPathOf } from './publish-path.core.ts';

const key = 'st-aaaaaaaa-bbbb';

test.each([
  ['ffmpeg, OBS', 'live', key, { app: 'live', key }],
  ['a trailing slash in the server field', 'live/', key, { app: 'live', key }],
  ['a leading slash', '/live', `/${key}`, { app: 'live', key }],
  ['the whole URL in the server field, no key', `live/${key}`, '', { app: 'live', key }],
  ['a query behind the key', 'live', `${key}?vendor=1`, { app: 'live', key }],
  ['the key as a query of the application', `live?key=${key}`, '', { app: 'live', key }],
  ['the key as a query of the name', 'live', `?key=${key}`, { app: 'live', key }],
  ['the stream as the name, its secret as a query', 'live', 'st-aaaaaaaa?key=bbbb', { app: 'live', key }],
  ['the stream as the name, the whole key as a query', 'live', `st-aaaaaaaa?x=1&key=${key}`, { app: 'live', key }],
  ['the key twice', 'live', `${key}?key=${key}`, { app: 'live', key }],
  ['another application', 'show', key, { app: 'show', key }],
  ['nothing at all', '', '', { app: '', key: '' }],
  ['a deeper path is not a key', 'live', 'a/b', { app: 'live', key: 'a/b' }],
])('%s', (_name, app, name, expected) => {
  expect(publishPathOf(app, name)).toEqual(expected);
});

test.each([
  ['live', 'live'],
  ['live/', 'live'],
  ['//live//x', 'live'],
  ['live?key=x', 'live'],
  ['', ''],
])('the application of %j is %j', (app, expected) => {
  expect(appOf(app)).toBe(expected);
});
