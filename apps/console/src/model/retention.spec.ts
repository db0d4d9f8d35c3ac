import { describe, expect, test } from '@jest/globals';
import { byTopic, type RetainedPartition } from './retention.ts';

const partition = (topic: string, more: Partial<RetainedPartition>): RetainedPartition => ({
  ...{ topic, partition: 0, first: '0', hotFirst: '0', end: '0', segments: 0, sealedRecords: 0, sealedBytes: 0, rawBytes: 0 },
  ...{ firstAt: null, sealedUntil: null, problem: null },
  ...more,
});

describe('what of the log lies where', () => {
  test('is summed by topic', () => {
    const sealed = { segments: 1, sealedRecords: 60, sealedBytes: 100, rawBytes: 900 };
    const all = [
      partition('stream', { ...sealed, hotFirst: '60', end: '9007199254741000', sealedUntil: '2026-01-02T00:00:00.000Z' }),
      partition('stream', { ...sealed, hotFirst: '9007199254740990', end: '9007199254741000', sealedUntil: '2026-01-01T00:00:00.000Z' }),
      partition('cache', {}),
    ];
    expect(byTopic(all)).toMatchObject([
      {
        topic: 'stream',
        hot: 9_007_199_254_740_950,
        segments: 2,
        sealedRecords: 120,
        sealedBytes: 200,
        rawBytes: 1800,
        sealedUntil: '2026-01-02T00:00:00.000Z',
      },
      { topic: 'cache', hot: 0, segments: 0, sealedUntil: null },
    ]);
  });
});
