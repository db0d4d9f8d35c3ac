import { afterEach, describe, expect, test } from '@jest/globals';
import { MemoryEventLog, MemoryLeaseStore, MemoryProjectionStore, MemoryPublicationStore } from '#adapters/memory';
import { SystemClock } from '#adapters/system';
import { contentPublished, contexts, decodeEvent, encodeEvent, eventParked, topicPartitions, type DomainEvent, type LogRecord } from '#events';
import { OperatingError, type Projection } from '#kernel';
import { pino } from 'pino';
import { PromMeter } from '../telemetry/metrics/prom-meter.ts';
import { noTelemetry } from '../telemetry/telemetry.ts';
import { EventParking } from '../intake/event-parking.ts';
import { LogEventIntake } from '../intake/log-event-intake.ts';
import { ConsumerHost } from './consumer-host.ts';
import type { Parking } from './parking.ts';

const clock = new SystemClock();
const logger = pino({ level: 'silent' });
const sample = contentPublished.samples[0] as { contentId: string };

function record(id: string): LogRecord {
  return encodeEvent({
    id,
    type: contentPublished.type,
    version: 1,
    source: '/test',
    subject: 'c-1',
    time: 1_790_000_000_000,
    key: 'c-1',
    tenant: 'default',
    correlationId: 'c',
    causationId: 'c',
    traceparent: '',
    actor: 'system:test',
    streamVersion: 0n,
    producerEpoch: 0n,
    data: sample,
  });
}

const good = record('good');
const { ce_tenant: _, ...withoutTenant } = good.headers;
/** What anybody can write to a broker. */
const broken: readonly LogRecord[] = [
  { ...good, value: '{' },
  { ...good, value: '{"contentId":7}' },
  { ...good, headers: { ...good.headers, ce_type: 'content.eaten' } },
  { ...good, headers: { ...good.headers, ce_type: 'stream.stopped' } },
  { ...good, headers: { ...good.headers, ce_dataschema: 'urn:streams:event:content.published:9' } },
  { ...good, headers: withoutTenant },
  { key: 'c-1', headers: {}, value: 'hello \0' },
];

function counting(name: string): Projection<DomainEvent> {
  return {
    name,
    version: 1,
    contexts: ['content'],
    handles: [contentPublished.type],
    ignores: ['content.changed', 'content.withdrawn'],
    tables: [{ name: `seen_${name}`, key: { id: 'text' }, columns: { at: { type: 'bigint', join: 'max' } } }],
    project: (event) => [{ table: `seen_${name}`, key: { id: event.id }, set: { at: BigInt(event.time) } }],
  };
}

const ends: Array<() => Promise<void>> = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function world() {
  const [log, leases, store, publications] = [
    new MemoryEventLog(clock),
    new MemoryLeaseStore(clock),
    new MemoryProjectionStore(clock),
    new MemoryPublicationStore(clock),
  ];
  for (const topic of contexts) await log.ensureTopic(topic, topicPartitions);
  const intake = new LogEventIntake({ owner: 'test' }, { log, publications, leases, clock, logger });
  ends.push(() => intake.stop());
  const meter = new PromMeter(logger);
  const parking = new EventParking({ intake, clock, logger, source: '/projector/test', telemetry: { ...noTelemetry(), meter } });
  const host = async (parking: Parking, ...names: string[]): Promise<void> => {
    const one = new ConsumerHost({ projections: names.map(counting), owner: 'host' }, { log, leases, store, logger, parking });
    ends.unshift(() => one.stop());
    await one.start();
  };
  const rows = (name: string): string[] => (store.serving(counting(name).tables[0] as never) ?? []).map(({ key }) => String(key['id'])).sort();
  const parked = async () => {
    const parts = await Promise.all(
      Array.from({ length: topicPartitions }, (_, at) => log.read('operation', at, 0n, { recordsMax: 1000, bytesMax: 1e9, waitMs: 0 })),
    );
    return parts.flatMap(({ records }) => records.map(decodeEvent)).filter((event) => event.type === eventParked.type);
  };
  return { log, parking, host, rows, parked, meter };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a record that can never be read', () => {
  test('is parked once for all readers, with its place and its reason, and the partition goes on', async () => {
    const { log, parking, host, rows, parked, meter } = await world();
    await log.append('content', [record('a'), ...broken.slice(0, 4), record('b'), ...broken.slice(4), record('c')]);
    await host(parking, 'one', 'two');
    await until(() => rows('one').length === 3 && rows('two').length === 3);
    expect(rows('one')).toEqual(['a', 'b', 'c']);
    const events = await parked();
    expect(events.map(({ data }) => [data.offset, data.code, data.field])).toEqual([
      ['1', 'EVENT_DATA_INVALID', 'data'],
      ['2', 'EVENT_DATA_INVALID', 'data.contentId'],
      ['3', 'EVENT_TYPE_UNKNOWN', 'type'],
      ['4', 'EVENT_TYPE_UNKNOWN', 'type'],
      ['6', 'EVENT_VERSION_UNKNOWN', 'dataschema'],
      ['7', 'EVENT_ATTRIBUTE_INVALID', 'tenant'],
      ['8', 'EVENT_TYPE_UNKNOWN', 'type'],
    ]);
    expect(events[0]?.data).toMatchObject({ topic: 'content', consumer: '*', eventId: 'good', eventType: contentPublished.type });
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(await meter.exposition()).toContain('streams_consumer_parked_records_total{topic="content",code="EVENT_TYPE_UNKNOWN"} 3');
  });

  test('is not left behind while it cannot be parked', async () => {
    const { log, parking, host, rows, parked } = await world();
    let failures = 2;
    const faulty: Parking = {
      park: (topic, record, reason) => {
        if (failures-- > 0) return Promise.reject(new OperatingError('The log is away.', { code: 'LOG_UNAVAILABLE', retryable: true }));
        return parking.park(topic, record, reason);
      },
    };
    await log.append('content', [broken[0] as LogRecord, record('a')]);
    await host(faulty, 'one');
    await until(() => rows('one').length === 1);
    expect((await parked()).map(({ data }) => data.offset)).toEqual(['0']);
  });
});
