import { describe, expect, test } from '@jest/globals';
import { readIngestSettings } from './ingest.config.ts';

describe('who may publish, by settings', () => {
  test('whoever has a stream key, where nothing is set', () => {
    const { sources, tokens, hook, tenantLimits } = readIngestSettings({});
    expect([sources, tokens, hook, tenantLimits.of('default')]).toEqual([undefined, undefined, undefined, {}]);
  });

  test('everything that can be set', () => {
    const settings = readIngestSettings({
      INGEST_SOURCES: '203.0.113.0/24, 2001:db8::/32',
      INGEST_TENANT_LIMITS: 'acme=streams:5',
      INGEST_JWT_JWKS_URL: 'https://id.example/keys',
      INGEST_ADMISSION_URL: 'https://own.example/admit',
      INGEST_ADMISSION_SECRET: `whsec_${Buffer.from('sixteen bytes ok').toString('base64')}`,
      INGEST_ADMISSION_ON_SILENCE: 'allow',
    });
    expect(settings.sources?.has('203.0.113.7')).toBe(true);
    expect(settings.tenantLimits.of('acme')).toEqual({ streams: 5 });
    expect(settings.tokens).toEqual({ audience: 'streams-publish', issuer: undefined, keyFile: undefined, jwksUrl: 'https://id.example/keys' });
    expect(settings.hook).toEqual({ url: 'https://own.example/admit', onSilence: 'allow', secret: Buffer.from('sixteen bytes ok') });
  });

  test.each([
    [{ INGEST_SOURCES: '10.0.0.0/8,home' }, 'INGEST_SOURCES must be networks such as 203.0.113.0/24, separated by commas; "home" is none'],
    [{ INGEST_TENANT_LIMITS: 'acme=speed:1' }, 'INGEST_TENANT_LIMITS must be such as'],
    [{ INGEST_JWT_KEY_FILE: '/a', INGEST_JWT_JWKS_URL: 'https://a' }, 'keys come from one of the two'],
    [{ INGEST_JWT_ISSUER: 'me' }, 'INGEST_JWT_ISSUER is set, but neither'],
    [{ INGEST_ADMISSION_URL: 'ftp://a' }, 'INGEST_ADMISSION_URL must be a URL'],
    [{ INGEST_ADMISSION_SECRET: 'x' }, 'INGEST_ADMISSION_SECRET must be whsec_'],
    [{ INGEST_ADMISSION_ON_SILENCE: 'maybe' }, 'must be one of refuse, allow'],
  ])('%j is refused', (env, message) => {
    expect(() => readIngestSettings(env)).toThrow(message);
  });

  test('under a supervisor nobody is waited for at the end', () => {
    expect([readIngestSettings({}).drainMs, readIngestSettings({ STREAMS_SUPERVISED: '1' }).drainMs]).toEqual([5_000, 0]);
  });
});
