import type { LogRecord } from '#events';

/** About 600 bytes as a segment event has them. */
export function segmentEvents(from: number, count: number): LogRecord[] {
  return Array.from({ length: count }, (_, at) => {
    const n = from + at;
    const cid = `bafkrei${((n * 2_654_435_761) >>> 0).toString(36).padStart(8, '0').repeat(6)}`;
    const headers = {
      ce_id: `01926f4e-${(n & 0xffff).toString(16).padStart(4, '0')}-7000-8000-${n.toString(16).padStart(12, '0')}`,
      ce_type: 'segment.produced',
      ce_source: '/media/node-1',
      ce_subject: `st-${n % 97}/720p`,
      ce_time: new Date(1_790_000_000_000 + n).toISOString(),
      ce_tenant: 'default',
      ce_streamversion: String(n),
    };
    return {
      key: `st-${n % 97}`,
      headers,
      value: JSON.stringify({ streamId: `st-${n % 97}`, rendition: '720p', mediaSequence: n, durationUs: 2_000_000, cid }),
    };
  });
}
