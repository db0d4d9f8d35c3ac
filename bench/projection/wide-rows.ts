import type { LogRecord } from '#events';
import type { World } from '../../test/replay/world.ts';
import { created, segments, started } from './events.ts';
import { batchEvents, plainUpserts, type PlainTable } from './plain-upserts.ts';

const streamsMax = 20_000;
const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
const sessionId = '01926f4e-7d3a-7000-8000-000000000001';

/** Ten events per stream: created, started, two media sequences of four renditions; as they come when all streams run at once. */
export async function fillWide(world: World, count: number): Promise<number> {
  const streams = Array.from({ length: Math.min(streamsMax, count / 10) }, (_, at) => `st-${at}`);
  const rounds: ReadonlyArray<(streamId: string) => readonly LogRecord[]> = [
    (id) => [created(id)],
    (id) => [started(id)],
    (id) => segments(id, 0),
    (id) => segments(id, 1),
  ];
  let total = 0;
  for (const round of rounds) {
    const records = streams.flatMap(round);
    for (let at = 0; at < records.length; at += 2000) await world.log.append('stream', records.slice(at, at + 2000));
    total += records.length;
  }
  return total;
}

const segmentTable: PlainTable = {
  name: 'plain_segment',
  columns: [
    ['stream_id', 'text'],
    ['rendition', 'text'],
    ['media_sequence', 'bigint'],
    ['session_id', 'text'],
    ['cid', 'text'],
    ['size_bytes', 'bigint'],
    ['init_cid', 'text'],
    ['init_size_bytes', 'bigint'],
    ['duration_us', 'bigint'],
    ['start_us', 'bigint'],
    ['program_date_time_ms', 'bigint'],
    ['discontinuity', 'boolean'],
    ['epoch', 'bigint'],
    ['produced_at_ms', 'bigint'],
    ['timescale', 'bigint'],
    ['start_ticks', 'bigint'],
    ['duration_ticks', 'bigint'],
    ['codecs', 'text'],
    ['width', 'bigint'],
    ['height', 'bigint'],
    ['sample_rate', 'bigint'],
    ['channels', 'bigint'],
    ['key_frames', 'jsonb'],
  ],
  key: ['stream_id', 'rendition', 'media_sequence'],
  set: ['cid = excluded.cid', 'size_bytes = excluded.size_bytes', 'duration_us = excluded.duration_us'],
};

const keyFrames = '[{"offset":0,"sizeBytes":42000,"startTicks":0}]';

function row(n: number): unknown[] {
  const key = [`st-${n % streamsMax}`, `r${Math.floor(n / streamsMax)}`, 0];
  const track = [90_000, 0, 180_000, 'avc1.64001f', 1280, 720, null, null, keyFrames];
  return [...key, sessionId, cid, 640_000, cid, 800, 2_000_000, 0, 1_790_000_000_000, false, 1, 1_790_000_000_000, ...track];
}

/** A wide new row per event; the columns are there before the clock starts. */
export function plainWide(url: string, count: number): Promise<number> {
  const batches = Array.from({ length: count / batchEvents }, (_, batch) => {
    const rows = Array.from({ length: batchEvents }, (_row, at) => row(batch * batchEvents + at));
    const columns = segmentTable.columns.map((_column, column) => rows.map((values) => values[column]));
    return () => columns;
  });
  return plainUpserts(url, segmentTable, batches);
}
