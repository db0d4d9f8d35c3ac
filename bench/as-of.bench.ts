import { SystemClock } from '#adapters/system';
import { PostgresPastStore, Database } from '#adapters/postgres';
import { streamsProjection } from '#domain/stream';
import { encodeEvent, encodingStarted, segmentProduced, streamCreated, streamStarted, topicPartitions, type LogRecord } from '#events';
import { ChangeFold, partitionOf, Prng } from '#kernel';
import type { EventLog, PastStore } from '#ports';
import { createLogger, PastKeeper, PastReadStore, readTail } from '#runtime';
import { PlaylistReader } from '../apps/gateway/origin/playlist-reader.ts';
import { SegmentLists } from '../apps/gateway/origin/segment-lists.ts';
import { pastLimits } from '../apps/gateway/past/past-models.ts';
import { StreamExtras } from '../apps/gateway/streams/stream-extras.ts';
import { StreamReader } from '../apps/gateway/streams/stream-reader.ts';
import { startKafka } from '../test/constellation/kafka/index.ts';
import { openWorld, type World } from '../test/replay/world.ts';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';

const segmentsOfStream = 248;
const renditions = ['720p', 'audio'] as const;
const goals = { playlistMs: 100, listMs: 1000, keptPerSecond: 20_000, bytesPerEvent: 400 };
const batch = 5_000;

function streamId(at: number): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567';
  return `st-${Array.from({ length: 12 }, (_, place) => letters[((at >> (place * 3)) % 32) | 0]).join('')}${letters[at % 32]}${letters[(at >> 5) % 32]}`;
}

const ids = { correlationId: 'c', causationId: 'c', traceparent: '', actor: 'system:bench', tenant: 'default', source: '/bench' };

function record(definition: Pick<typeof streamCreated, 'type' | 'version'>, id: string, version: number, data: object, producerEpoch = 0n): LogRecord {
  const about = { key: id, subject: id, streamVersion: BigInt(version), producerEpoch };
  return encodeEvent({
    ...ids,
    ...about,
    id: `${id}-${definition.type}-${version}`,
    type: definition.type,
    version: definition.version,
    time: 1_790_000_000_000 + version,
    data,
  } as never);
}

function* beginnings(streams: number): Iterable<LogRecord> {
  const settings = {
    ladder: [{ name: '720p', height: 720, videoBitrate: 2_500_000 }],
    audioBitrate: 128_000,
    segmentDurationMs: 2000,
    graceMs: 30_000,
    dvrWindowMs: 3_600_000,
  };
  const source = { videoCodec: 'h264', audioCodec: 'aac', width: 1280, height: 720, frameRate: 30 };
  for (let at = 0; at < streams; at++) {
    const id = streamId(at);
    const session = { streamId: id, sessionId: 's-1', epoch: 1 };
    yield record(streamCreated, id, 1, { streamId: id, name: `Stream ${at}`, keyHash: 'a'.repeat(64), ...settings });
    yield record(streamStarted as never, id, 2, {
      ...session,
      endpoint: 'primary',
      node: 'node-1',
      remoteAddress: '127.0.0.1',
      relayUrl: 'http://127.0.0.1/x',
    });
    const videos = { name: '720p', kind: 'video', codecs: 'avc1.64001f', bandwidth: 2_750_000, width: 1280, height: 720, frameRate: 30 };
    const audio = { name: 'audio', kind: 'audio', codecs: 'mp4a.40.2', bandwidth: 132_000, channels: 2 };
    yield record(encodingStarted as never, id, 3, { ...session, node: 'media-1', encoder: 'libx264', source, renditions: [videos, audio] }, 1n);
  }
}

function* segments(streams: number): Iterable<LogRecord> {
  for (let mediaSequence = 0; mediaSequence < segmentsOfStream; mediaSequence++)
    for (let at = 0; at < streams; at++) {
      const id = streamId(at);
      for (const [index, rendition] of renditions.entries()) {
        const cid = `bafkrei${(BigInt(at * 1_000_003 + mediaSequence * 7919 + index) ** 11n)
          .toString(32)
          .replaceAll(/[^a-z2-7]/g, 'x')
          .padEnd(52, 'q')
          .slice(0, 52)}`;
        const about = {
          cid,
          sizeBytes: 600_000,
          initCid: `bafkrei${'a'.repeat(52)}`,
          initSizeBytes: 800,
          durationUs: 2_000_000,
          startUs: mediaSequence * 2_000_000,
        };
        const data = {
          streamId: id,
          sessionId: 's-1',
          epoch: 1,
          rendition,
          mediaSequence,
          ...about,
          programDateTimeMs: 1_790_000_000_000 + mediaSequence * 2000,
          discontinuity: mediaSequence % 60 === 59,
        };
        yield record(segmentProduced as never, id, 4 + mediaSequence * 2 + index, data, 1n);
      }
    }
}

/** Appends events for a while: the moments that are asked for lie in it. */
async function fill(log: EventLog, streams: number): Promise<{ readonly events: number; readonly fromMs: number; readonly toMs: number }> {
  let [events, fromMs] = [0, 0];
  for (const part of [beginnings(streams), segments(streams)]) {
    let records: LogRecord[] = [];
    for (const one of part) {
      records.push(one);
      if (records.length < batch) continue;
      await log.append('stream', records);
      events += records.length;
      records = [];
    }
    if (records.length > 0) await log.append('stream', records);
    events += records.length;
    if (fromMs === 0) fromMs = Date.now() + 5;
  }
  return { events, fromMs, toMs: Date.now() - 1 };
}

interface Asked {
  readonly log: EventLog;
  readonly past: PastStore;
  readonly streams: number;
  readonly fromMs: number;
  readonly toMs: number;
}

function readsAt({ log, past }: Asked, atMs: number): PastReadStore {
  const moment = { before: (topic: string, partition: number) => log.offsetAt(topic, partition, atMs + 1) };
  return new PastReadStore({ projections: [streamsProjection], moment, ...pastLimits }, { log, past });
}

type Question = 'window' | 'whole' | 'list';

async function answer(asked: Asked, question: Question, dice: Prng): Promise<number> {
  const atMs = dice.nextInteger(asked.fromMs, asked.toMs);
  const id = streamId(dice.nextInteger(0, asked.streams));
  const begun = performance.now();
  const reads = readsAt(asked, atMs);
  const streams = new StreamReader(reads);
  if (question === 'list') await streams.page({ limit: 50 });
  else {
    const playlist = await new PlaylistReader(streams, new SegmentLists(reads), new StreamExtras(reads), { now: () => atMs }).media(id, '720p', {
      whole: question === 'whole',
    });
    if (playlist.kind !== 'playlist' && playlist.kind !== 'nothing-yet') throw new Error(`${id} as of ${atMs}: ${playlist.kind}`);
  }
  return performance.now() - begun;
}

async function p95(asked: Asked, question: Question, times: number): Promise<number> {
  const dice = new Prng(times);
  for (let at = 0; at < 5; at++) await answer(asked, question, dice);
  const took: number[] = [];
  for (let at = 0; at < times; at++) took.push(await answer(asked, question, dice));
  return quantile(took, 0.95);
}

/** What it costs without pieces: the stream's partition, folded from its beginning to the moment. */
async function folded({ log, streams, fromMs, toMs }: Asked, times: number): Promise<number> {
  const dice = new Prng(9);
  const took: number[] = [];
  for (let at = 0; at < times; at++) {
    const key = streamId(dice.nextInteger(0, streams));
    const partition = partitionOf(key, topicPartitions);
    const begun = performance.now();
    const to = await log.offsetAt('stream', partition, dice.nextInteger(fromMs, toMs));
    const fold = new ChangeFold(streamsProjection.tables);
    for (const change of (await readTail(log, streamsProjection, { topic: 'stream', partition, from: 0n, to, key })).changes) fold.add(change);
    took.push(performance.now() - begun);
  }
  return quantile(took, 0.95);
}

const rounded = (value: number): number => Math.round(value * 10) / 10;

async function measure(context: BenchContext, engine: string, world: World): Promise<void> {
  const streams = context.quick ? 400 : 2_020;
  const database = new Database({ url: world.databaseUrl });
  world.closing.push(() => database.close());
  const past = new PostgresPastStore(database);
  const { events, fromMs, toMs } = await fill(world.log, streams);
  const asked: Asked = { log: world.log, past, streams, fromMs, toMs };
  const logger = await createLogger({ name: 'bench', node: 'bench', logFormat: 'json', logLevel: 'silent' });
  const begun = performance.now();
  await new PastKeeper(
    { projections: [streamsProjection], owner: 'bench' },
    { log: world.log, past, leases: world.leases, clock: new SystemClock(), logger },
  ).catchUp();
  const keptPerSecond = events / ((performance.now() - begun) / 1000);
  const size = await past.size({ log: await world.log.identity(), projection: streamsProjection.name, version: streamsProjection.version });
  const [window, whole, list] = [await p95(asked, 'window', 200), await p95(asked, 'whole', 100), await p95(asked, 'list', 20)];
  const plain = await folded(asked, context.quick ? 10 : 20);
  const perEvent = size.bytes / events;
  context.row(engine, events, rounded(window), rounded(whole), rounded(list), rounded(plain), Math.round(keptPerSecond), Math.round(perEvent));
  context.bar(`as-of.${engine}.playlist.p95`, rounded(window), 'ms', `<= ${goals.playlistMs}`, window <= goals.playlistMs, rounded(plain));
  context.bar(`as-of.${engine}.recording.p95`, rounded(whole), 'ms', `<= ${goals.playlistMs}`, whole <= goals.playlistMs, rounded(plain));
  context.bar(`as-of.${engine}.list.p95`, rounded(list), 'ms', `<= ${goals.listMs}`, list <= goals.listMs);
  context.bar(`as-of.${engine}.kept`, Math.round(keptPerSecond), '1/s', `>= ${goals.keptPerSecond}`, keptPerSecond >= goals.keptPerSecond);
  context.bar(`as-of.${engine}.bytes`, Math.round(perEvent), 'B/event', `<= ${goals.bytesPerEvent}`, perEvent <= goals.bytesPerEvent);
}

async function run(context: BenchContext): Promise<void> {
  context.row('log', 'events', 'playlist p95 ms', 'recording p95 ms', 'list p95 ms', 'folded without pieces, p95 ms', 'kept events/s', 'bytes/event');
  const embedded = await openWorld();
  try {
    await measure(context, 'embedded', embedded);
  } finally {
    await embedded.close();
  }
  const kafka = await startKafka();
  try {
    const world = await openWorld({ ...kafka.env, KAFKA_TOPIC_PREFIX: `${kafka.env['KAFKA_TOPIC_PREFIX']}as-of-` });
    try {
      await measure(context, 'kafka', world);
    } finally {
      await world.close();
    }
  } finally {
    await kafka.stop();
  }
}

export const bench: Bench = {
  name: 'as-of',
  summary: 'A playlist, a recording and the list of streams as of random moments, beside the fold of the log from its beginning; both engines',
  run,
};
