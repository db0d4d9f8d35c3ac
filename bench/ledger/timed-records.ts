import type { LogRecord } from '#events';
import { sampleRecords } from '../log/records.ts';

export const topic = 'stream';

/** Ids of ten events a millisecond, as a busy platform makes them. */
export function timedRecords(count: number, from = 0): LogRecord[] {
  return sampleRecords(count, from).map((record, at) => {
    const ms = (1_790_000_000_000 + Math.floor((from + at) / 10)).toString(16).padStart(12, '0');
    const ce_id = `${ms.slice(0, 8)}-${ms.slice(8)}-7000-8000-${(from + at).toString(16).padStart(12, '0')}`;
    return { ...record, headers: { ...record.headers, ce_id } };
  });
}
