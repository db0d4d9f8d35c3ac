import { beforeEach, describe, expect, test } from '@jest/globals';
import { MemoryBlobStore, MemoryEventLog } from '#adapters/memory';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import type { SegmentGroup, TrackInit } from '#core/fmp4';
import { OperatingError } from '#kernel';
import type { AppendOptions, BlobInfo, Position } from '#ports';
import { createLogger, FactPublisher, type Logger } from '#runtime';
import type { LogRecord } from '#events';
import { PublishedStream } from '../testing/published-stream.ts';
import { breaks, SegmentCommitter, type SegmentCommitterInit } from './segment-committer.ts';

/** A log that fails on demand. */
class MoodyLog extends MemoryEventLog {
  mood: string | undefined;
  appends = 0;

  override append(topic: string, records: readonly LogRecord[], options?: AppendOptions): Promise<readonly Position[]> {
    if (options?.producer?.id === 'media:st-test') this.appends += 1;
    if (this.mood !== undefined) return Promise.reject(new OperatingError('moody', { code: this.mood, retryable: true }));
    return super.append(topic, records, options);
  }
}

/** A store that is full, or refuses us, on demand. */
class MoodyBlobs extends MemoryBlobStore {
  full = false;
  refusal: string | undefined;

  override put(bytes: Uint8Array): Promise<BlobInfo> {
    if (this.refusal !== undefined) return Promise.reject(new OperatingError('refused', { code: this.refusal, retryable: false }));
    return this.full ? Promise.reject(new OperatingError('full', { code: 'BLOB_STORE_FULL', retryable: true })) : super.put(bytes);
  }
}

let log: MoodyLog;
let blobs: MoodyBlobs;
let stream: PublishedStream;
let logger: Logger;
let committed: number[];

beforeEach(async () => {
  logger = await createLogger({ name: 'media', node: 'test', logFormat: 'json', logLevel: 'silent' });
  log = new MoodyLog(new SystemClock());
  blobs = new MoodyBlobs();
  stream = new PublishedStream(log);
  await stream.create([]);
  committed = [];
});

const group = (mediaSequence: number): SegmentGroup => ({
  mediaSequence,
  segments: ['720p', 'audio'].map((rendition) => ({
    rendition,
    bytes: new TextEncoder().encode(`${rendition} ${mediaSequence}`),
    startUs: mediaSequence * 2e6,
    durationUs: 2e6,
    startTicks: mediaSequence * 180_000,
    durationTicks: 180_000,
    keyFrames: rendition === 'audio' ? [] : [{ offset: 0, sizeBytes: 4, startTicks: mediaSequence * 180_000 }],
  })),
});

const defaults = { duration: 0, size: 0, flags: 0 };
const tracks: Readonly<Record<string, TrackInit>> = {
  '720p': { trackId: 1, timescale: 90_000, kind: 'video', codecs: 'avc1.64001f', width: 1280, height: 720, defaults },
  audio: { trackId: 1, timescale: 48_000, kind: 'audio', codecs: 'mp4a.40.2', channels: 2, sampleRate: 0, defaults },
};

function committer(change: Partial<SegmentCommitterInit> = {}): SegmentCommitter {
  const facts = new FactPublisher({
    log,
    clock: new SystemClock(),
    ids: new UuidV7IdSource(),
    source: '/media/test',
    actor: 'system:media',
    retryBudgetMs: 30,
  });
  const session = { sessionId: 's1', endpoint: 'primary' as const, relayUrl: 'http://relay', startedAtMs: 1_790_000_000_000, tenant: 'acme' };
  const init = {
    streamId: 'st-test',
    session,
    node: 'media-1',
    producer: { id: 'media:st-test', epoch: 2n },
    encodingId: 'e-encoding',
    offsetMs: -500,
    discontinuity: false,
    initCidsBefore: undefined,
    waitingMax: 2,
    ...change,
  };
  const made = new SegmentCommitter(init, { blobs, facts, logger, onCommitted: ({ mediaSequence }) => committed.push(mediaSequence) });
  for (const rendition of ['720p', 'audio']) made.begin(rendition, new TextEncoder().encode(`init ${rendition}`), tracks[rendition] as TrackInit);
  return made;
}

describe('committing', () => {
  test('a group is one append of all its renditions, in order; every blob named is there', async () => {
    const made = committer();
    for (const n of [0, 1, 2]) made.add(group(n));
    await made.drained();
    // One more begins the epoch.
    expect([committed, log.appends]).toEqual([[0, 1, 2], 4]);
    const segments = await stream.segments();
    expect(segments.map(({ rendition, mediaSequence }) => `${rendition} ${mediaSequence}`)).toEqual([
      '720p 0',
      'audio 0',
      '720p 1',
      'audio 1',
      '720p 2',
      'audio 2',
    ]);
    for (const { cid, initCid, sizeBytes, rendition, mediaSequence } of segments) {
      expect(new TextDecoder().decode(await blobs.read(cid))).toBe(`${rendition} ${mediaSequence}`);
      expect(new TextDecoder().decode(await blobs.read(initCid))).toBe(`init ${rendition}`);
      expect(sizeBytes).toBe(`${rendition} ${mediaSequence}`.length);
    }
    expect(new Set((await stream.events()).filter(({ type }) => type === 'segment.produced').map(({ causationId }) => causationId))).toEqual(
      new Set(['e-encoding']),
    );
    expect(segments[2]).toMatchObject({ startUs: 2e6, programDateTimeMs: 1_790_000_002_500, discontinuity: false, epoch: 2, sessionId: 's1' });
  });

  test('a segment says what manifests need: its track, its place to the tick, and where its key frames lie', async () => {
    const made = committer();
    made.add(group(1));
    await made.drained();
    const [video, audio] = await stream.segments();
    expect(video).toMatchObject({
      track: { timescale: 90_000, codecs: 'avc1.64001f', width: 1280, height: 720 },
      startTicks: 180_000,
      durationTicks: 180_000,
      keyFrames: [{ offset: 0, sizeBytes: 4, startTicks: 180_000 }],
    });
    // A sample rate that no 16 bits hold is left out, and sound has no key frames to tell of.
    expect(audio?.track).toEqual({ timescale: 48_000, codecs: 'mp4a.40.2', channels: 2 });
    expect(audio).not.toHaveProperty('keyFrames');
  });

  test('only the first group of a run can be a discontinuity', async () => {
    const made = committer({ discontinuity: true });
    for (const n of [4, 5]) made.add(group(n));
    await made.drained();
    expect((await stream.segments()).map(({ discontinuity }) => discontinuity)).toEqual([true, true, false, false]);
  });

  test('one rendition whose parameters changed makes it one for all', async () => {
    const same = committer();
    same.add(group(0));
    await same.drained();
    const cids = Object.fromEntries((await stream.segments()).map(({ rendition, initCid }) => [rendition, initCid]));
    const alike = committer({ initCidsBefore: cids, producer: { id: 'media:st-test', epoch: 3n } });
    alike.add(group(1));
    await alike.drained();
    const changed = committer({ initCidsBefore: { ...cids, audio: 'other' }, producer: { id: 'media:st-test', epoch: 4n } });
    changed.add(group(2));
    await changed.drained();
    expect((await stream.segments()).map(({ discontinuity }) => discontinuity)).toEqual([false, false, false, false, true, true]);
  });
});

/** A rendition that was away: `before` is what the newest segments have, `known` what it had last. */
test.each([
  ['comes for the first time', { before: {}, known: {}, joins: true }, false],
  ['is back as it was', { before: {}, known: { 'audio-1': 'mono' }, joins: true }, false],
  ['is back and coded in another way', { before: {}, known: { 'audio-1': 'stereo' }, joins: true }, true],
  ['was not away and is coded in another way', { before: { 'audio-1': 'stereo' }, known: { 'audio-1': 'stereo' }, joins: true }, true],
  ['is back, and the others cannot do without it', { before: {}, known: { 'audio-1': 'mono' }, joins: false }, true],
])('a sound that %s: is it a break?', (_what, { before, known, joins }, expected) => {
  const init = {
    discontinuity: false,
    initCidsBefore: { '720p': 'v', ...before },
    initCidsKnown: { '720p': 'v', ...known },
    mayJoin: new Set(joins ? ['audio-1'] : []),
  };
  const cids = new Map([
    ['720p', 'v'],
    ['audio-1', 'mono'],
  ]);
  expect(breaks(init, cids)).toBe(expected);
});

describe('trouble', () => {
  test.each([
    ['a full log', () => (log.mood = 'LOG_FULL'), () => (log.mood = undefined)],
    ['a full store', () => (blobs.full = true), () => (blobs.full = false)],
  ])('%s holds the encoder up and drops nothing', async (_what, begin, end) => {
    const made = committer();
    made.add(group(0));
    await made.drained();
    begin();
    made.add(group(1));
    made.add(group(2));
    const room = made.room().then(() => 'room');
    expect(await Promise.race([room, new Promise((resolve) => setTimeout(resolve, 50, 'held up'))])).toBe('held up');
    expect([made.blocked, committed]).toEqual([true, [0]]);
    end();
    await made.drained();
    expect([made.blocked, committed, await room]).toEqual([false, [0, 1, 2], 'room']);
    const delays = await stream.delays();
    expect(delays).toEqual([expect.objectContaining({ reason: 'disk-full', mediaSequence: 1, node: 'media-1', sessionId: 's1', epoch: 2 })]);
    expect(delays[0]?.delayMs).toBeGreaterThan(0);
  });

  test.each(['BLOB_STORE_REFUSED', 'BLOB_BUCKET_MISSING'])('%s may be mended by somebody: nothing is dropped, and the wait is told', async (code) => {
    blobs.refusal = code;
    const made = committer();
    made.add(group(0));
    made.add(group(1));
    const drained = made.drained();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([made.blocked, committed]).toEqual([true, []]);
    blobs.refusal = undefined;
    await drained;
    expect([made.blocked, committed]).toEqual([false, [0, 1]]);
    expect(await stream.delays()).toEqual([expect.objectContaining({ reason: 'store-unavailable', mediaSequence: 0 })]);
  });

  test.each([
    ['a refusal that stays', 'BLOB_STORE_REFUSED'],
    ['what comes again however often it is asked', 'BLOB_STORE_FAILED'],
  ])('%s ends the run with the reason of the store', async (_what, code) => {
    blobs.refusal = code;
    const made = committer({ refusedMsMax: 30 });
    made.add(group(0));
    await expect(made.drained()).rejects.toMatchObject({ code });
    expect(committed).toEqual([]);
  });

  test('nothing follows an append that may have failed', async () => {
    const made = committer();
    log.mood = 'LOG_UNAVAILABLE';
    made.add(group(0));
    made.add(group(1));
    await expect(made.drained()).rejects.toMatchObject({ code: 'PRODUCER_UNCERTAIN' });
    log.mood = undefined;
    await made.room();
    expect(committed).toEqual([]);
  });

  test('a greater epoch shuts it out', async () => {
    const made = committer();
    made.add(group(0));
    await made.drained();
    const successor = committer({ producer: { id: 'media:st-test', epoch: 9n } });
    successor.add(group(1));
    await successor.drained();
    made.add(group(1));
    await expect(made.drained()).rejects.toMatchObject({ code: 'PRODUCER_FENCED' });
  });

  test('given up, it waits for nobody', async () => {
    const made = committer();
    log.mood = 'LOG_FULL';
    made.add(group(0));
    made.add(group(1));
    made.abort();
    await expect(made.drained()).rejects.toMatchObject({ code: 'COMMIT_ABORTED' });
    await made.room();
  });
});
