import { describe, expect, test } from '@jest/globals';
import {
  encodingEnded,
  encodingStarted,
  failoverRequested,
  failoverSwitched,
  publisherJoined,
  publisherLeft,
  segmentProduced,
  streamCreated,
  streamInterrupted,
  streamPublishRejected,
  streamStarted,
  streamStopped,
  type DomainEvent,
  type DraftEvent,
} from '#events';
import { foldChanges, wholeStampGroups, type ColumnValue, type RowChange } from '#kernel';
import fc from 'fast-check';
import { defaultLadder } from './ladder.core.ts';
import { streamsProjection } from './stream.projection.ts';

const streamId = 'st-7f3k2m9q';
let made = 0;

function event(draft: DraftEvent, streamVersion: bigint, producerEpoch = 0n): DomainEvent {
  made++;
  return {
    ...draft,
    id: `e-${made}`,
    time: 1_790_000_000_000 + made,
    tenant: 'default',
    actor: 'key:k-1',
    streamVersion,
    producerEpoch,
  } as unknown as DomainEvent;
}

const source = { videoCodec: 'h264', audioCodec: 'aac', width: 1280, height: 720, frameRate: 30 };
const renditions = (bandwidth: number) => [
  { name: '720p', kind: 'video' as const, codecs: 'avc1.64001f', bandwidth, width: 1280, height: 720, frameRate: 30 },
  { name: 'audio', kind: 'audio' as const, codecs: 'mp4a.40.2', bandwidth: 132_000, channels: 2 },
];
const encoder = (epoch: number, bandwidth: number) =>
  encodingStarted.draft({ streamId, sessionId: `s-${epoch}`, epoch, node: 'media-1', encoder: 'libx264', source, renditions: renditions(bandwidth) });
const ended = (epoch: number) =>
  encodingEnded.draft({ streamId, sessionId: `s-${epoch}`, epoch, node: 'media-1', reason: 'crashed', exitCode: 1, lastLines: [] });
const segment = (epoch: number, mediaSequence: number, rendition = '720p') =>
  segmentProduced.draft({
    streamId,
    sessionId: `s-${epoch}`,
    rendition,
    epoch,
    mediaSequence,
    cid: `cid-${epoch}-${rendition}-${mediaSequence}`,
    sizeBytes: 1000,
    initCid: `init-${epoch}`,
    initSizeBytes: 10,
    durationUs: 2_000_000,
    startUs: mediaSequence * 2_000_000,
    programDateTimeMs: 1_790_000_000_000 + mediaSequence * 2000,
    discontinuity: epoch === 2 && mediaSequence === 2,
    // The first packager was one of before.
    ...(epoch === 1 ? {} : exact(mediaSequence)),
  });

const exact = (mediaSequence: number) => ({
  track: { timescale: 90_000, codecs: 'avc1.64001f', width: 1280, height: 720 },
  startTicks: mediaSequence * 180_000,
  durationTicks: 180_000,
  keyFrames: [{ offset: 0, sizeBytes: 500, startTicks: mediaSequence * 180_000 }],
});

const wentOver = (fromSessionId: string, toSessionId: string, reason: 'recovered' | 'media-silence') =>
  failoverSwitched.draft({
    ...{ streamId, epoch: 2, node: 'media-1', fromSessionId, toSessionId, reason, silentMs: 2000, startedAtMs: 1_790_000_000_000 },
    ...{ from: toSessionId === 's-3' ? 'backup' : 'primary', to: toSessionId === 's-3' ? 'primary' : 'backup' },
  });

/** A stream's life with a packager that was replaced while it still wrote. */
const life: readonly DomainEvent[] = [
  event(
    streamCreated.draft({
      streamId,
      name: 'News',
      keyHash: 'a'.repeat(64),
      ladder: [...defaultLadder],
      audioBitrate: 128_000,
      segmentDurationMs: 2000,
      graceMs: 60_000,
      dvrWindowMs: 3_600_000,
    }),
    1n,
  ),
  event(
    streamStarted.draft({ streamId, sessionId: 's-1', epoch: 1, endpoint: 'primary', remoteAddress: '192.0.2.1:1', node: 'node-1', relayUrl: 'http://x/' }),
    2n,
  ),
  event(encoder(1, 2_000_000), 1n, 1n),
  event(segment(1, 0), 2n, 1n),
  event(segment(1, 1), 3n, 1n),
  event(segment(1, 2), 4n, 1n),
  event(ended(1), 5n, 1n),
  event(streamInterrupted.draft({ streamId, sessionId: 's-1', reason: 'stalled', detail: 'nothing for 10 s' }), 3n),
  event(
    streamStarted.draft({ streamId, sessionId: 's-2', epoch: 2, endpoint: 'backup', remoteAddress: '192.0.2.2:1', node: 'node-2', relayUrl: 'http://y/' }),
    4n,
  ),
  event(encoder(2, 3_000_000), 1n, 2n),
  event(segment(2, 2), 2n, 2n),
  event(segment(2, 3, 'audio'), 3n, 2n),
  event(
    publisherJoined.draft({ streamId, sessionId: 's-3', epoch: 3, endpoint: 'primary', remoteAddress: '192.0.2.3:1', node: 'node-1', relayUrl: 'http://z/' }),
    5n,
  ),
  event(failoverRequested.draft({ streamId, to: 'backup', reason: 'an update' }), 6n),
  event(wentOver('s-2', 's-3', 'recovered'), 4n, 2n),
  event(publisherLeft.draft({ streamId, sessionId: 's-3', endpoint: 'primary', reason: 'stalled', detail: '' }), 7n),
  event(wentOver('s-3', 's-2', 'media-silence'), 5n, 2n),
  event(streamStopped.draft({ streamId, reason: 'operator', detail: '' }), 8n),
];

const fold = (events: readonly DomainEvent[]): readonly RowChange[] =>
  foldChanges(
    streamsProjection.tables,
    events.flatMap((each) => streamsProjection.project(each)),
  );

function digest(rows: readonly RowChange[]): string {
  const sorted = (fields: object): unknown[] => Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
  return rows
    .map(({ table, key, set, stamps }) =>
      JSON.stringify([table, sorted(key), sorted(set), sorted(stamps ?? {})], (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)),
    )
    .sort()
    .join('\n');
}

function row(table: string, key: Record<string, ColumnValue>): Readonly<Record<string, ColumnValue>> | undefined {
  return fold(life).find((change) => change.table === table && Object.entries(key).every(([name, value]) => change.key[name] === value))?.set;
}

describe('the streams projection', () => {
  test('the same rows whatever the order, the repetition and the split of deliveries', () => {
    const expected = digest(fold(life));
    fc.assert(
      fc.property(fc.shuffledSubarray([...life], { minLength: life.length }), fc.subarray([...life]), fc.nat(life.length), (shuffled, repeated, cut) => {
        const delivered = [...shuffled, ...repeated];
        expect(digest(fold(delivered))).toBe(expected);
        const parts = [...fold(delivered.slice(0, cut)), ...fold(delivered.slice(cut))];
        expect(digest(foldChanges(streamsProjection.tables, parts))).toBe(expected);
      }),
    );
  });

  test('no change leaves out a column of a stamp group', () => {
    for (const change of life.flatMap((each) => streamsProjection.project(each))) {
      const table = streamsProjection.tables.find(({ name }) => name === change.table);
      expect(table === undefined ? ['no such table'] : wholeStampGroups(table, change)).toEqual([]);
    }
  });

  test('status, encoder and extent of a stream', () => {
    expect(row('stream', { stream_id: streamId })).toEqual(
      expect.objectContaining({
        name: 'News',
        status: 'stopped',
        status_reason: 'operator',
        session_id: null,
        encoding_status: 'running',
        encoding_epoch: 2n,
        encoder: 'libx264',
        first_media_sequence: 0,
        last_media_sequence: 3,
        end_us: 8_000_000n,
        active_session_id: 's-2',
        switch_reason: 'media-silence',
        preferred_endpoint: 'backup',
      }),
    );
  });

  test('a segment of an older epoch never stands against a later one', () => {
    expect(row('segment', { rendition: '720p', media_sequence: 2 })).toEqual(expect.objectContaining({ cid: 'cid-2-720p-2', epoch: 2n, discontinuity: true }));
    expect(row('segment', { rendition: '720p', media_sequence: 1 })).toEqual(expect.objectContaining({ cid: 'cid-1-720p-1' }));
  });

  test('a segment to the tick where its packager told, and nothing where it did not', () => {
    expect(row('segment', { rendition: '720p', media_sequence: 2 })).toMatchObject({
      ...{ timescale: 90_000, codecs: 'avc1.64001f', width: 1280, height: 720, channels: null, sample_rate: null },
      ...{ start_ticks: 360_000n, duration_ticks: 180_000n, key_frames: [{ offset: 0, sizeBytes: 500, startTicks: 360_000 }] },
    });
    expect(row('segment', { rendition: '720p', media_sequence: 1 })).toMatchObject({
      timescale: null,
      start_ticks: null,
      duration_ticks: null,
      key_frames: [],
    });
  });

  test('renditions are those of the newest encoder', () => {
    const order = row('stream', { stream_id: streamId })?.['encoding_order'];
    expect(row('rendition', { name: '720p' })).toEqual(expect.objectContaining({ bandwidth: 3_000_000, encoding_order: order }));
  });

  test('each session with its beginning and its end', () => {
    expect(row('session', { session_id: 's-1' })).toEqual(
      expect.objectContaining({ endpoint: 'primary', end_reason: 'stalled', end_detail: 'nothing for 10 s' }),
    );
    expect(row('session', { session_id: 's-2' })).toEqual(expect.objectContaining({ endpoint: 'backup', node: 'node-2' }));
    expect(row('session', { session_id: 's-3' })).toEqual(expect.objectContaining({ endpoint: 'primary', epoch: 3n, end_reason: 'stalled' }));
  });

  test('a refusal leaves no row, whoever knocked', () => {
    const refusal = event(streamPublishRejected.draft({ streamId: 'st-none', reason: 'unknown-stream', detail: '', remoteAddress: 'x', node: 'node-1' }), 0n);
    expect(streamsProjection.project(refusal)).toEqual([]);
  });
});
