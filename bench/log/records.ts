import type { LogRecord } from '#events';

/** A segment announcement as the media app writes it: 16 headers, about 600 bytes. */
export function sampleRecord(n: number): LogRecord {
  const stream = `st-${(n * 7919) % 97}`;
  return {
    key: stream,
    headers: {
      ce_specversion: '1.0',
      ce_id: `01926f4e-7d3a-7000-8000-${n.toString(16).padStart(12, '0')}`,
      ce_type: 'segment.produced',
      ce_source: '/media/node-1',
      ce_subject: `${stream}/720p`,
      ce_time: '2026-09-21T12:00:00.123Z',
      ce_dataschema: 'urn:streams:event:segment.produced:1',
      ce_partitionkey: stream,
      ce_tenant: 'default',
      ce_correlationid: '01926f4e-7d3a-7000-8000-000000000001',
      ce_causationid: '01926f4e-7d3a-7000-8000-000000000001',
      ce_traceparent: '',
      ce_actor: 'system:media',
      ce_streamversion: `${n}`,
      ce_producerepoch: '3',
      'content-type': 'application/json',
    },
    value: JSON.stringify({
      streamId: stream,
      rendition: '720p',
      mediaSequence: n,
      cid: 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy',
      sizeBytes: 612_345,
    }),
  };
}

export function sampleRecords(count: number, from = 0): LogRecord[] {
  return Array.from({ length: count }, (_, at) => sampleRecord(from + at));
}
