import { beforeEach, describe, expect, test } from '@jest/globals';
import { encodingEnded, segmentProduced, topicPartitions, type LogRecord } from '#events';
import { OperatingError } from '#kernel';
import { ManualClock, MemoryEventLog } from '#adapters/memory';
import { UuidV7IdSource } from '#adapters/system';
import type { AppendOptions, Position } from '#ports';
import type { CatalogueDraft } from './envelopes.ts';
import { FactPublisher } from './fact-publisher.ts';

type Mishap = 'before' | 'after' | 'full' | 'hang';

/** Fails as told: before the records are written, after it, for lack of space, or by never answering. */
class ShakyLog extends MemoryEventLog {
  mishaps: Mishap[] = [];
  appends = 0;

  override async append(topic: string, records: readonly LogRecord[], options?: AppendOptions): Promise<readonly Position[]> {
    this.appends++;
    const mishap = this.mishaps.shift();
    if (mishap === 'full') throw new OperatingError('The disk is full.', { code: 'LOG_FULL', retryable: true });
    if (mishap === 'before') throw new OperatingError('No answer.', { code: 'LOG_UNAVAILABLE', retryable: true });
    const positions = await super.append(topic, records, options);
    if (mishap === 'after') throw new OperatingError('No answer.', { code: 'LOG_UNAVAILABLE', retryable: true });
    return mishap === 'hang' ? new Promise(() => {}) : positions;
  }
}

let log: ShakyLog;
let publisher: FactPublisher;
const producer = { id: 'media:st-1', epoch: 1n };

function segment(mediaSequence: number, rendition = '720p'): CatalogueDraft {
  return segmentProduced.draft({ ...(segmentProduced.samples[0] as Parameters<typeof segmentProduced.draft>[0]), streamId: 'st-1', rendition, mediaSequence });
}

async function written(): Promise<readonly string[]> {
  const parts = await Promise.all(
    Array.from({ length: topicPartitions }, (_, partition) => log.read('stream', partition, 0n, { recordsMax: 1000, bytesMax: 1e7, waitMs: 0 })),
  );
  return parts.flatMap(({ records }) =>
    records.map(
      ({ headers, value }) => `${headers['ce_producerepoch']}/${headers['ce_streamversion']}:${(JSON.parse(value) as { mediaSequence: number }).mediaSequence}`,
    ),
  );
}

beforeEach(async () => {
  log = new ShakyLog(new ManualClock());
  await log.ensureTopic('stream', topicPartitions);
  publisher = publisherOn(log, 500);
});

function publisherOn(target: MemoryEventLog, retryBudgetMs: number): FactPublisher {
  const deps = { log: target, clock: new ManualClock(), ids: new UuidV7IdSource() };
  return new FactPublisher({ ...deps, source: '/media/n', actor: 'system:media', appendTimeoutMs: 20, retryBudgetMs });
}

describe('facts', () => {
  test('of one call are appended in one call, in order, numbered within their epoch', async () => {
    const positions = await publisher.publish('stream', [segment(0), segment(0, 'audio')], { producer });
    await publisher.publish('stream', [segment(1)], { producer });
    // The first is empty: it begins the epoch.
    expect(log.appends).toBe(3);
    expect(positions.map(({ offset }) => offset)).toEqual([0n, 1n]);
    expect(await written()).toEqual(['1/1:0', '1/2:0', '1/3:1']);
  });

  test.each<[string, Mishap[]]>([
    ['that the log took without saying so', ['after']],
    ['that did not reach the log', ['before', 'before']],
    ['that found the disk full', ['full']],
    ['that the log took and never answered', ['hang']],
    ['that met all of it', ['full', 'after', 'hang', 'before']],
  ])('%s are written once', async (_what, mishaps) => {
    log.mishaps = mishaps;
    await publisher.publish('stream', [segment(0), segment(1)], { producer });
    await publisher.publish('stream', [segment(2)], { producer });
    expect(await written()).toEqual(['1/1:0', '1/2:1', '1/3:2']);
  });

  test('published at once are written in the order of the calls', async () => {
    log.mishaps = ['before'];
    await Promise.all(Array.from({ length: 20 }, (_, at) => publisher.publish('stream', [segment(at)], { producer })));
    expect(await written()).toEqual(Array.from({ length: 20 }, (_, at) => `1/${at + 1}:${at}`));
  });

  test('of an older epoch are fenced, in this process and at the log', async () => {
    const successor = new FactPublisher({ log, clock: new ManualClock(), ids: new UuidV7IdSource(), source: '/media/m', actor: 'system:media' });
    await publisher.publish('stream', [segment(0)], { producer });
    await successor.publish('stream', [segment(1)], { producer: { ...producer, epoch: 2n } });
    await expect(publisher.publish('stream', [segment(9)], { producer })).rejects.toMatchObject({ code: 'PRODUCER_FENCED' });
    await expect(successor.publish('stream', [segment(9)], { producer })).rejects.toMatchObject({ code: 'PRODUCER_FENCED' });
    expect(await written()).toEqual(['1/1:0', '2/1:1']);
  });

  test('of an epoch that the log knows from somebody else are not taken for what that one wrote', async () => {
    await publisher.publish('stream', [segment(0), segment(1)], { producer });
    const stranger = publisherOn(log, 500);
    expect(await stranger.knownEpoch('stream', ['media:st-1', 'media:st-2'])).toBe(1n);
    for (let tries = 0; tries < 2; tries++)
      await expect(stranger.publish('stream', [segment(8)], { producer })).rejects.toMatchObject({ code: 'PRODUCER_UNCERTAIN' });
    await stranger.publish('stream', [segment(9)], { producer: { ...producer, epoch: 2n } });
    expect(await written()).toEqual(['1/1:0', '1/2:1', '2/1:9']);
  });

  test('whose outcome stays unknown end the epoch; the next one goes on', async () => {
    publisher = publisherOn(log, 60);
    log.mishaps = Array.from({ length: 99 }, () => 'before' as const);
    await expect(publisher.publish('stream', [segment(0)], { producer })).rejects.toMatchObject({ code: 'PRODUCER_UNCERTAIN' });
    log.mishaps = [];
    await expect(publisher.publish('stream', [segment(0)], { producer })).rejects.toMatchObject({ code: 'PRODUCER_UNCERTAIN' });
    await publisher.publish('stream', [segment(0)], { producer: { ...producer, epoch: 2n } });
    expect(await written()).toEqual(['2/1:0']);
  });

  test('that only ever met a full disk may be published again', async () => {
    publisher = publisherOn(log, 60);
    log.mishaps = Array.from({ length: 99 }, () => 'full' as const);
    await expect(publisher.publish('stream', [segment(0)], { producer })).rejects.toMatchObject({ code: 'LOG_FULL' });
    log.mishaps = [];
    await publisher.publish('stream', [segment(0)], { producer });
    expect(await written()).toEqual(['1/1:0']);
  });

  test('that do not fit their schema write nothing and leave the sequence', async () => {
    await expect(publisher.publish('stream', [segment(0), segment(-1)], { producer })).rejects.toMatchObject({ code: 'EVENT_DATA_INVALID' });
    await publisher.publish('stream', [segment(0)], { producer });
    expect(await written()).toEqual(['1/1:0']);
  });

  test('of another context are a mistake in the code', async () => {
    const wrong = encodingEnded.draft({ streamId: 's', sessionId: 's', epoch: 1, node: 'n', reason: 'stopped', exitCode: 0, lastLines: [] });
    await expect(publisher.publish('edge', [wrong], { producer })).rejects.toThrow('encoding.ended belongs to stream');
  });

  test('beyond the queue are refused at once', async () => {
    log.mishaps = ['hang'];
    const results = await Promise.allSettled(Array.from({ length: 300 }, (_, at) => publisher.publish('stream', [segment(at)], { producer })));
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(300 - 256);
    expect(refused[0]?.reason).toMatchObject({ code: 'PUBLISHER_BUSY', retryable: true });
  });
});
