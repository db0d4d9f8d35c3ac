import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { embeddedSet } from '../../constellation/engine-sets.ts';
import { Platform, until } from '../../constellation/platform.ts';
import { Publisher } from '../../constellation/publisher.ts';
import { playlistsAt, recordedSessionFile, type RecordedSession } from './recorded-session.ts';

/**
 * Records a live session anew: a real ffmpeg publishes to the real platform, breaks off, comes back and is stopped. Run it
 * with `node dist/test/replay/recorded/record-session.main.js`, and commit the file that it writes.
 */
const dataDir = await mkdtemp(join(tmpdir(), 'streams-recorded-'));
const platform = await Platform.start({ dataDir, env: (await embeddedSet.start()).env });
const { id: streamId, streamKey } = await platform.api<{ id: string; streamKey: string }>('POST', '/api/v1/stream/start', {
  name: 'Recorded session',
  graceSeconds: 30,
});
const moments: Array<RecordedSession['moments'][number]> = [];
const segments = async (): Promise<number> => ((await playlistsAt(platform.gatewayUrl, streamId))['240p'] ?? '').split('#EXTINF').length - 1;

/** What is served now, at a time when nothing changes. */
async function look(): Promise<void> {
  for (;;) {
    const before = await playlistsAt(platform.gatewayUrl, streamId);
    await sleep(150);
    const at = new Date().toISOString();
    await sleep(150);
    const after = await playlistsAt(platform.gatewayUrl, streamId);
    if (JSON.stringify(before) === JSON.stringify(after)) return void moments.push({ at, playlists: after });
  }
}

/** @param enough until so many segments are in the live playlist, of this visit or those before */
async function publish(enough: number): Promise<void> {
  const publisher = new Publisher({ url: platform.rtmpUrl(streamKey), width: 426, height: 240, frameRate: 15, videoBitrate: '300k' });
  await until(
    async () => (await segments()) >= enough,
    60_000,
    () => `No segments.\n${publisher.log}`,
  );
  await look();
  await publisher.stop();
}

try {
  await look();
  await publish(3);
  await sleep(2000);
  await look();
  await publish(6);
  await platform.api('POST', '/api/v1/stream/stop', { id: streamId });
  await sleep(13_000);
  await look();
  const recording = await playlistsAt(platform.gatewayUrl, streamId);
  await platform.stop();
  const log = new SqliteEventLog({ path: join(dataDir, 'log', 'events.sqlite') }, { clock: new SystemClock() });
  const records: Array<RecordedSession['records'][number]> = [];
  for (const { partition, low, high } of await log.heads('stream')) {
    for (let from = low; from < high;) {
      const batch = await log.read('stream', partition, from, { recordsMax: 1000, bytesMax: 1e8, waitMs: 0 });
      for (const { offset: _, ...record } of batch.records) records.push({ ...record, partition });
      from = batch.next;
    }
  }
  await log.close();
  const lines = records.map((record) => `    ${JSON.stringify(record)}`).join(',\n');
  const head = JSON.stringify({ streamId, moments, recording }, null, 2).slice(0, -2);
  await writeFile(recordedSessionFile, `${head},\n  "records": [\n${lines}\n  ]\n}\n`);
} finally {
  await platform.stop();
  await rm(dataDir, { recursive: true, force: true });
}
