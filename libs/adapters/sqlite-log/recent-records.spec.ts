import { describe, expect, test } from '@jest/globals';
import { RecentRecords, type MeasuredRecord } from './recent-records.ts';

const all = { recordsMax: 1000, bytesMax: 1_000_000, waitMs: 0 };

function records(from: number, count: number, octets = 100): MeasuredRecord[] {
  return Array.from({ length: count }, (_, n) => {
    const record = { key: 'k', headers: {}, value: `${from + n}`, partition: 0, offset: BigInt(from + n), recordedAt: 1 };
    return { record, octets };
  });
}

const head = (high: number, low = 0): { low: number; high: number; recordedAt: number } => ({ low, high, recordedAt: 1 });
const offsets = (recent: RecentRecords, version: string, from: number, limits = all): readonly bigint[] | undefined =>
  recent.read(version, BigInt(from), limits)?.records.map(({ offset }) => offset);

describe('the newest records of a partition', () => {
  test('are given to whoever is close to the end, as long as nobody has written', () => {
    const recent = new RecentRecords();
    recent.keep('1', head(10), 7, records(7, 3));
    expect(recent.read('1', 8n, all)).toMatchObject({ records: [{ offset: 8n }, { offset: 9n }], next: 10n, high: 10n });
    expect(recent.read('1', 10n, all)).toEqual({ records: [], next: 10n, high: 10n });
    expect([offsets(recent, '2', 8), offsets(recent, '1', 6), offsets(recent, '1', 11)]).toEqual([undefined, undefined, undefined]);
  });

  test('are kept together with those before, and within limits', () => {
    const recent = new RecentRecords();
    recent.keep('1', head(10), 7, records(7, 3));
    recent.keep('2', head(12), 10, records(10, 2));
    expect(offsets(recent, '2', 7)).toEqual([7n, 8n, 9n, 10n, 11n]);
    expect(offsets(recent, '2', 7, { ...all, recordsMax: 2 })).toEqual([7n, 8n]);
    expect(offsets(recent, '2', 7, { ...all, bytesMax: 250 })).toEqual([7n, 8n]);
    expect(offsets(recent, '2', 7, { ...all, bytesMax: 1 })).toEqual([7n]);
    recent.keep('3', head(1012), 12, records(12, 1000));
    expect([offsets(recent, '3', 1011), offsets(recent, '3', 947)]).toEqual([[1011n], undefined]);
    recent.keep('4', head(1015), 1012, records(1012, 3, 100_000));
    expect([offsets(recent, '4', 1013), offsets(recent, '4', 1012)]).toEqual([[1013n, 1014n], undefined]);
  });

  test('are not given up for what somebody far behind reads, nor taken for whole when they are not', () => {
    const recent = new RecentRecords();
    recent.keep('1', head(10), 7, records(7, 3));
    recent.keep('1', head(10), 0, records(0, 2));
    expect(offsets(recent, '1', 8)).toEqual([8n, 9n]);
    recent.keep('2', head(20), 10, records(10, 5));
    expect(offsets(recent, '2', 12)).toBeUndefined();
  });

  test('that were truncated are not given', () => {
    const recent = new RecentRecords();
    recent.keep('1', head(10), 7, records(7, 3));
    recent.keep('2', head(10, 9), 9, records(9, 1));
    expect([offsets(recent, '2', 8), offsets(recent, '2', 9)]).toEqual([undefined, [9n]]);
  });
});
