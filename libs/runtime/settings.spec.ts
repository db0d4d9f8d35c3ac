import { describe, expect, test } from '@jest/globals';
import { resolve } from 'node:path';
import { readChoice, readInteger, readPort, readSharedSettings } from './settings.config.ts';

describe('shared settings', () => {
  test('have a default for everything on one machine', () => {
    const dataDir = resolve('.streams');
    expect(readSharedSettings({})).toEqual({
      dataDir,
      node: 'node-1',
      host: '0.0.0.0',
      publicHost: 'localhost',
      databaseUrl: undefined,
      logPath: `${dataDir}/log/events.sqlite`,
      blobPath: `${dataDir}/blobs`,
      postgresPath: `${dataDir}/postgres`,
      runPath: `${dataDir}/run`,
      supervised: false,
      logFormat: 'json',
      logLevel: 'info',
    });
  });

  test.each([
    [{ STREAMS_NODE: 'no spaces' }, 'STREAMS_NODE'],
    [{ LOG_FORMAT: 'xml' }, 'LOG_FORMAT must be one of json, pretty'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL'],
  ])('%j is refused by name', (env, message) => {
    expect(() => readSharedSettings(env)).toThrow(message);
  });

  test.each(['70000', '-1', '1e3', '0x10', ' '])('%j is no port', (text) => {
    expect(() => readPort({ P: text }, 'P', 1)).toThrow('The setting P must be a whole number from 0 to 65535');
  });

  test('numbers and choices fall back to their default', () => {
    expect([readPort({ P: '0' }, 'P', 1), readInteger({ P: '' }, 'P', 7, 0, 9), readChoice({}, 'C', ['a', 'b'], 'b')]).toEqual([0, 7, 'b']);
  });
});
