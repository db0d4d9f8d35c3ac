import { describe, expect, test } from '@jest/globals';
import { replyHead, type EdgeRequest } from './exchange.ts';
import { redirectingToHttps } from './https-redirect.ts';
import { readListeningSettings } from './listening.config.ts';

describe('where the edge listens', () => {
  test('plain HTTP alone without certificates; TLS 1.3 with HTTP/3 with them', () => {
    expect(readListeningSettings({})).toMatchObject({ port: 8081, tls: undefined });
    expect(readListeningSettings({ EDGE_TLS_CERT: '/a.crt', EDGE_TLS_KEY: '/a.key' }).tls).toEqual({
      port: 8443,
      certificates: { kind: 'pair', files: { certPath: '/a.crt', keyPath: '/a.key' } },
      minVersion: 'TLSv1.3',
      http3: true,
      redirect: false,
      hstsSeconds: 0,
    });
    expect(readListeningSettings({ EDGE_TLS_DIR: '/certs', EDGE_TLS_MIN: '1.2', EDGE_HTTP3: '0' }).tls).toMatchObject({
      certificates: { kind: 'folder', path: '/certs' },
      minVersion: 'TLSv1.2',
      http3: false,
    });
  });

  test.each([
    [{ EDGE_TLS_CERT: '/a.crt' }, 'EDGE_TLS_KEY is not set, but EDGE_TLS_CERT is'],
    [{ EDGE_TLS_CERT: '/a', EDGE_TLS_KEY: '/b', EDGE_TLS_DIR: '/c' }, 'EDGE_TLS_DIR is set, and so are'],
    [{ EDGE_TLS_MIN: '1.1' }, 'EDGE_TLS_MIN must be one of 1.3, 1.2'],
    [{ EDGE_HTTPS_REDIRECT: '1' }, 'EDGE_HTTPS_REDIRECT needs certificates'],
    [{ EDGE_HSTS_SECONDS: '60' }, 'EDGE_HSTS_SECONDS needs certificates'],
    [{ EDGE_PROXY_PROTOCOL: '10.0.0.0/8,lb.internal' }, 'EDGE_PROXY_PROTOCOL must be addresses and networks of balancers'],
    [{ EDGE_CLIENT_REQUESTS: '0' }, 'EDGE_CLIENT_REQUESTS must be a whole number from 1'],
  ])('%j is refused', (env, message) => {
    expect(() => readListeningSettings(env)).toThrow(message);
  });
});

test.each([
  ['a.test', '/x?y=1', 'https://a.test:8443/x?y=1'],
  ['a.test:80', '/', 'https://a.test:8443/'],
  ['[::1]:8081', '/x', 'https://[::1]:8443/x'],
  ['a/b', '/x', undefined],
  ['a.test', '//evil.test/x', 'https://a.test:8443//evil.test/x'],
  ['a.test', 'http://b.test/', undefined],
  ['a.test', '/readyz', undefined],
  ['a.test', '/.well-known/acme-challenge/t', undefined],
])('plain HTTP for %s and %s goes to %s', (host, target, location) => {
  const served = { head: replyHead(200, []), body: null };
  const request = { method: 'GET', target, version: '1.1', hasBody: false, field: (name: string) => (name === 'host' ? host : undefined) } as EdgeRequest;
  const reply = redirectingToHttps(
    () => served,
    () => 8443,
  )(request);
  if (location === undefined) expect(reply).toBe(served);
  else expect(reply).toMatchObject({ head: { status: 308, fields: expect.arrayContaining([['location', location]]) } });
});
