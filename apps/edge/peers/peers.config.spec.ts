import { describe, expect, test } from '@jest/globals';
import { readPeers } from './peers.config.ts';

const secret = 'a-secret-that-all-edges-have';

describe('peers', () => {
  test('are those that are named, those that are registered, or both', () => {
    expect(readPeers({}, secret)).toBeUndefined();
    expect(readPeers({ EDGE_WARM_PEERS: 'http://a:1/, https://b' }, secret)).toMatchObject({ urls: ['http://a:1', 'https://b'], registryKey: undefined });
    expect(readPeers({ EDGE_WARM_PEERS: 'registry', EDGE_KEY: 'sk_x' }, secret)).toMatchObject({ urls: [], registryKey: 'sk_x' });
    expect(readPeers({ EDGE_WARM_PEERS: 'http://a:1,registry', EDGE_KEY: 'sk_x' }, secret)).toMatchObject({ urls: ['http://a:1'], registryKey: 'sk_x' });
    // A key alone asks for nothing.
    expect(readPeers({ EDGE_WARM_PEERS: 'http://a:1', EDGE_KEY: 'sk_x' }, secret)?.registryKey).toBeUndefined();
  });

  test.each([
    [{ EDGE_WARM_PEERS: 'registry' }, secret, 'needs EDGE_KEY'],
    [{ EDGE_WARM_PEERS: 'registry', EDGE_KEY: 'sk_x' }, undefined, 'needs EDGE_SECRET'],
    [{ EDGE_WARM_PEERS: 'register' }, secret, 'has "register"'],
    [{ EDGE_WARM_PEERS: 'http://a/b' }, secret, 'without a path'],
  ])('%j is refused by name', (env, shared, message) => {
    expect(() => readPeers(env as never, shared)).toThrow(message);
    expect(() => readPeers(env as never, shared)).toThrow('EDGE_WARM_PEERS');
  });
});
