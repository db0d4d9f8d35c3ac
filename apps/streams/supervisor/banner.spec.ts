import { describe, expect, test } from '@jest/globals';
import { banner, type BannerFacts } from './banner.ts';

const facts: BannerFacts = {
  version: '0.1.0',
  seconds: 3.21,
  engines: [{ serves: 'Event log', engine: 'embedded SQLite', where: '/data/log' }],
  signInUrl: 'http://localhost:8081/#key=sk_k-1_s',
  apiUrl: 'http://localhost:8080/api/v1',
  docsUrl: 'http://localhost:8080/api/v1/docs',
  grpcAddress: 'localhost:8083',
  ingestUrl: 'rtmp://localhost:1935/live',
  backupUrl: 'rtmp://localhost:1936/live',
  secureUrl: 'rtmps://localhost:2935/live',
  demo: undefined,
  firstStream: undefined,
  adminKey: undefined,
  adminKeyFile: '/data/admin-key',
};

describe('the banner', () => {
  test('names every engine and every address', () => {
    expect(banner(facts, false)).toBe(`
Streams 0.1.0 is ready (3.2 s)

  Event log     embedded SQLite  /data/log

  Console       http://localhost:8081/#key=sk_k-1_s  (signs you in; good for 12 hours)
  API           http://localhost:8080/api/v1  (described at http://localhost:8080/api/v1/docs)
  gRPC          localhost:8083  (services by reflection)
  Publish to    rtmp://localhost:1935/live  (backup: rtmp://localhost:1936/live)
  Encrypted     rtmps://localhost:2935/live

  Ctrl-C stops everything.

`);
  });

  test('shows keys on the first start', () => {
    const text = banner({ ...facts, adminKey: 'sk_admin', firstStream: { name: 'My stream', id: 'st-1', key: 'st-1-secret' } }, false);
    expect(text).toContain(
      '  Your stream   My stream (st-1)\n  Stream key    st-1-secret  (shown this once)\n  Admin key     sk_admin  (shown this once; kept in /data/admin-key)',
    );
  });

  test('says where the demo is to be seen', () => {
    expect(banner({ ...facts, demo: { name: 'Demo', id: 'st-2', playlistUrl: 'http://localhost:8081/live/st-2/master.m3u8' } }, false)).toContain(
      '  Watch         http://localhost:8081/#key=sk_k-1_s',
    );
  });
});
