import { resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { guardConfig } from './guard.config.ts';

test('has defaults', () => {
  expect(guardConfig({})).toEqual({ dataDir: resolve('.streams'), port: undefined, supervised: false, frozenAfterMs: 15_000 });
});

test('reads the settings', () => {
  expect(guardConfig({ STREAMS_DATA_DIR: '/data', POSTGRES_PORT: '5433', STREAMS_SUPERVISED: '1' })).toEqual({
    dataDir: '/data',
    port: 5433,
    supervised: true,
    frozenAfterMs: 15_000,
  });
});

test.each(['http', '0', '-1', '65536', '1.5', ' '])('refuses the port %j', (port) => {
  expect(() => guardConfig({ POSTGRES_PORT: port })).toThrow(`POSTGRES_PORT must be a port number, but is "${port}".`);
});
