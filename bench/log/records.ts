import type { LogRecord } from '#events';

/** A packager's report as the media app writes it: 16 headers, about 600 bytes. */
export function sampleRecord(n: number): LogRecord {
  const stream = `st-${(n * 7919) % 97}`;
  return {
    key: stream,
    headers: {
      ce_specversion: '1.0',
      ce_id: `01926f4e-7d3a-7000-8000-${n.toString(16).padStart(12, '0')}`,
      ce_type: 'encoding.delayed',
      ce_source: '/media/node-1',
      ce_subject: `${stream}/encoding`,
      ce_time: '2026-09-21T12:00:00.123Z',
      ce_dataschema: 'urn:streams:event:encoding.delayed:1',
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
      sessionId: '01926f4e-7d3a-7000-8000-000000000001',
      epoch: 3,
      node: 'media-1',
      reason: 'store-unavailable',
      delayMs: 1_234,
      mediaSequence: n,
    }),
  };
}

export function sampleRecords(count: number, from = 0): LogRecord[] {
  return Array.from({ length: count }, (_, at) => sampleRecord(from + at));
}
