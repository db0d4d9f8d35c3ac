import { describe, expect, test } from '@jest/globals';
import { logPastRemoved, logSealingEnded, logSealingFailed, logSealingRequested, logSegmentSealed, type DomainEvent } from '#events';
import { foldChanges } from '#kernel';
import { operationAggregate } from './operation-aggregate.ts';
import { retentionProjection } from './retention.projection.ts';
import { sealingDecider, type SealingState } from './sealing.decider.ts';

const sealed = {
  topic: 'stream',
  partition: 3,
  number: 1,
  firstOffset: '0',
  endOffset: '9007199254740993',
  records: 10,
  firstMs: 1,
  lastMs: 9,
  cid: 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy',
  sizeBytes: 100,
  rawBytes: 900,
  firstLeaf: 0,
  roots: ['47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='],
};
const at = (draft: { readonly type: string; readonly data: unknown }, time: number): DomainEvent =>
  ({ ...draft, id: `e-${time}`, time, actor: 'key:ops' }) as unknown as DomainEvent;
const rowsOf = (...events: readonly DomainEvent[]) =>
  foldChanges(
    retentionProjection.tables,
    events.flatMap((each) => retentionProjection.project(each)),
  ).map(({ table, key, set }) => ({ table, key, set }));

describe('the retention projection', () => {
  const failed = logSealingFailed.draft({ topic: 'stream', partition: 3, code: 'LOG_HOLE', message: 'lost' });

  test('a segment is a row by its blob, and where its partition is sealed to; told twice, or in any order, it is the same', () => {
    const events = [
      at(logSegmentSealed.draft(sealed), 50),
      at(failed, 40),
      at(logPastRemoved.draft({ topic: 'stream', partition: 3, beforeOffset: '5', records: 5 }), 60),
    ];
    const rows = rowsOf(...events);
    expect(rows).toEqual(expect.arrayContaining(rowsOf(...events.toReversed(), ...events)));
    expect(rows).toContainEqual({
      table: 'sealed_segment',
      key: { cid: sealed.cid },
      set: expect.objectContaining({ topic: 'stream', number: 1, end_offset: 9_007_199_254_740_993n, sealed_at_ms: 50n }),
    });
    expect(rows).toContainEqual({
      table: 'retained_partition',
      key: { topic: 'stream', partition: 3 },
      set: { sealed_before: 9_007_199_254_740_993n, removed_before: 5n, problem: '', problem_code: '', problem_at_ms: 50n },
    });
  });

  test('a failure stands until something is sealed again', () => {
    const row = rowsOf(at(logSegmentSealed.draft(sealed), 50), at(failed, 70)).find(({ table }) => table === 'retained_partition');
    expect(row?.set).toMatchObject({ problem_code: 'LOG_HOLE', problem_at_ms: 70n });
  });

  test('an order to seal is a row with its end', () => {
    const requested = logSealingRequested.draft({ sealingId: 'sl-1', olderThanMs: 5, reason: 'full' });
    const ended = logSealingEnded.draft({ sealingId: 'sl-1', segments: 2, records: 20, sizeBytes: 1, rawBytes: 9, failures: 0 });
    expect(rowsOf(at(ended, 9), at(requested, 3))).toEqual([
      {
        table: 'sealing',
        key: { sealing_id: 'sl-1' },
        set: { older_than_ms: 5n, reason: 'full', requested_by: 'key:ops', requested_at_ms: 3n, ended_at_ms: 9n, segments: 2n, records: 20n, failures: 0n },
      },
    ]);
  });
});

describe('an order to seal', () => {
  const order = { type: 'RequestSealing', sealingId: 'sl-1', olderThanMs: 5, reason: 'full' } as const;
  const result = { segments: 2, records: 20, sizeBytes: 1, rawBytes: 9, failures: 0 };
  const fold = (...drafts: readonly unknown[]): SealingState =>
    drafts.reduce<SealingState>((state, draft) => operationAggregate.decider.evolve(state, draft as never) as SealingState, sealingDecider.initialState);

  test('is open until its end is told, once', () => {
    const asked = sealingDecider.decide(order, sealingDecider.initialState);
    expect(asked).toMatchObject({ refused: false, events: [{ type: logSealingRequested.type, data: { sealingId: 'sl-1', olderThanMs: 5, reason: 'full' } }] });
    const open = fold(...(asked as unknown as { events: readonly unknown[] }).events);
    expect(open).toMatchObject({ sealing: 'open', olderThanMs: 5 });
    const end = sealingDecider.decide({ type: 'EndSealing', result }, open);
    expect(end).toMatchObject({ events: [{ type: logSealingEnded.type, data: { sealingId: 'sl-1', ...result } }] });
    const ended = sealingDecider.evolve(open, (end as unknown as { events: readonly never[] }).events[0] as never);
    expect(ended).toMatchObject({ sealing: 'ended', result });
    expect(sealingDecider.decide({ type: 'EndSealing', result }, ended)).toMatchObject({ events: [] });
    expect(sealingDecider.decide(order, ended)).toMatchObject({ code: 'sealing-exists' });
  });

  test('that nobody gave cannot end', () => {
    expect(sealingDecider.decide({ type: 'EndSealing', result }, sealingDecider.initialState)).toMatchObject({ code: 'unknown-sealing' });
    expect(fold(logSealingEnded.draft({ sealingId: 'sl-1', ...result }))).toEqual(sealingDecider.initialState);
  });
});
