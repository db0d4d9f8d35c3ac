import { describe, expect, test } from '@jest/globals';
import { edgeReported, encodeEvent, type DomainEvent, type LogRecord } from '#events';
import type { Projection } from '#kernel';
import { edited, tryRecord } from './try-event.ts';

const sample = edgeReported.samples.at(-1) as Parameters<typeof edgeReported.draft>[0];
const envelope = { source: '/t', time: 1, tenant: 'default', correlationId: 'c', causationId: 'c', traceparent: '', actor: 'system:t', producerEpoch: 1n };
const record: LogRecord = encodeEvent({
  ...{ ...envelope, id: 'id-1', type: edgeReported.type, version: edgeReported.version, subject: 'e', key: 'e', streamVersion: 1n },
  data: { ...sample, hits: 666 },
});

const projection: Projection<DomainEvent> = {
  name: 'seen',
  version: 1,
  contexts: ['edge'],
  handles: [edgeReported.type],
  ignores: [],
  tables: [{ name: 'seen', key: { id: 'text' }, columns: { hits: { type: 'bigint', join: 'max' } } }],
  project(event) {
    if (event.type !== edgeReported.type) return [];
    if (event.data.hits === 666) throw new RangeError('cannot count that far');
    return [{ table: 'seen', key: { id: event.data.edgeId }, set: { hits: BigInt(event.data.hits) } }];
  },
};

describe('trying a parked event', () => {
  test('fails as it did, and comes to rows once its data is changed', () => {
    expect(tryRecord(record, [projection])).toMatchObject([
      { projection: 'seen@1', changes: [], error: { name: 'RangeError', message: 'cannot count that far' } },
    ]);
    const changed = edited(record, (data, about) => {
      expect(about).toEqual({ type: edgeReported.type, version: edgeReported.version });
      return { ...(data as object), hits: 7 };
    });
    expect(tryRecord(changed, [projection])).toMatchObject([{ error: undefined, changes: [{ table: 'seen', set: { hits: 7n } }] }]);
    expect(record.value).toContain('666');
  });

  test('says what is wrong with data that is no data of the event', () => {
    const [trial] = tryRecord(
      edited(record, () => ({})),
      [projection],
    );
    expect(trial?.error?.name).toBe('EventInvalidError');
    expect(() => edited({ ...record, headers: {} }, (data) => data)).toThrow(/no event ""/);
  });
});
