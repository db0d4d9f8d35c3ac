import { MemoryEventLog } from '#adapters/memory';
import { encodeEvent, purgeApplied, purgeRequested, topicPartitions, type DraftOf, type LogRecord } from '#events';
import { OperatingError } from '#kernel';
import type { EventLog, ReadBatch, ReadLimits } from '#ports';
import { createLogger } from '#runtime';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { temporaryFolder, until } from '../edge.fixture.ts';
import { OffsetsFile } from '../state/offsets.file.ts';
import type { PurgeOrder, Purger } from './purger.ts';
import { PurgeTail } from './purge-tail.ts';

type Applied = DraftOf<typeof purgeApplied>;

const limits: ReadLimits = { recordsMax: 1000, bytesMax: 1e6, waitMs: 0 };

function record(purgeId: string, url: string, changed: Partial<Record<string, string>> = {}): LogRecord {
  const data = { purgeId, urls: [url], reason: '' };
  const whole = encodeEvent({
    id: purgeId,
    type: purgeRequested.type,
    version: 1,
    source: '/test',
    subject: purgeId,
    time: 0,
    key: purgeId,
    tenant: 'default',
    correlationId: 'c',
    causationId: 'c',
    traceparent: '',
    actor: 'a',
    streamVersion: 1n,
    producerEpoch: 0n,
    data,
  });
  return { ...whole, headers: { ...whole.headers, ...(changed as Record<string, string>) } };
}

describe('the purge tail', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let log: MemoryEventLog;
  let stop: AbortController;
  let purged: string[];
  let acknowledged: Applied[];
  let running: Promise<void>[];

  beforeEach(async () => {
    folder = await temporaryFolder();
    log = new MemoryEventLog({ now: () => Date.now() } as never);
    await log.ensureTopic('cache', topicPartitions);
    stop = new AbortController();
    purged = [];
    acknowledged = [];
    running = [];
  });

  afterEach(async () => {
    stop.abort();
    await Promise.all(running);
    await log.close();
    await folder.remove();
  });

  const purger = {
    apply: ({ urls }: PurgeOrder) => (purged.push(...urls), { objects: urls.length, first: 1, last: 0 }),
    countLater: () => undefined,
    purgeAll: () => (purged.push('everything'), 0),
  } as unknown as Purger;

  const tailOf = async (
    on: EventLog = log,
    acknowledge: (applied: readonly Applied[], tenant: string) => Promise<void> = async (applied) => void acknowledged.push(...applied),
    now = Date.now,
  ): Promise<PurgeTail> => {
    const logger = await createLogger({ name: 'test', node: 'n', logFormat: 'json', logLevel: 'silent' });
    const offsets = new OffsetsFile(join(folder.path, 'offsets.json'), 'cache');
    return new PurgeTail(
      { edgeId: 'edge-1', waitMs: 20 },
      {
        log: on,
        purger,
        offsets,
        logger,
        now,
        acknowledge,
        onCountRequested: ({ data }) => purged.push(`count ${data.purgeId}`),
        onFatal: (error) => purged.push(`fatal ${String(error)}`),
      },
    );
  };

  const follow = (tail: PurgeTail): void => void running.push(tail.run(stop.signal));

  test('a new edge begins at the head: what was purged before it existed is not its business', async () => {
    await log.append('cache', [record('p1', '/old')]);
    const tail = await tailOf();
    await tail.catchUp(stop.signal);
    follow(tail);
    await log.append('cache', [record('p2', '/new')]);
    await until(() => acknowledged.length === 1);
    expect([purged, acknowledged[0]?.data.purgeId]).toEqual([['/new'], 'p2']);
  });

  test('catching up applies all that was missed before it returns', async () => {
    const first = await tailOf();
    await first.catchUp(stop.signal);
    for (let at = 0; at < 30; at++) await log.append('cache', [record(`p${at}`, `/u/${at}`)]);
    const second = await tailOf();
    expect(second.knownUntilMs).toBe(0);
    await second.catchUp(stop.signal);
    expect(new Set(purged)).toEqual(new Set(Array.from({ length: 30 }, (_, at) => `/u/${at}`)));
    expect(second.knownUntilMs).toBeGreaterThan(0);
    follow(second);
    await until(() => acknowledged.length === 30);
  });

  test('the offsets of one log are not used in another: everything is purged, and all of it is read', async () => {
    await (await tailOf()).catchUp(stop.signal);
    const other = new MemoryEventLog({ now: () => Date.now() } as never);
    await other.ensureTopic('cache', topicPartitions);
    await other.append('cache', [record('p1', '/long-ago')]);
    await (await tailOf(other)).catchUp(stop.signal);
    expect(purged).toEqual(['everything', '/long-ago']);
    await (await tailOf(other)).catchUp(stop.signal);
    expect(purged.filter((one) => one === 'everything')).toHaveLength(1);
  });

  test.each([
    ['an event of a type that it does not know', { ce_type: 'purge.by-tag' }],
    ['a version that it does not know', { ce_dataschema: 'urn:streams:event:purge.requested:99' }],
  ])('%s purges everything: it may have meant anything', async (_name, changed) => {
    const tail = await tailOf();
    await tail.catchUp(stop.signal);
    follow(tail);
    await log.append('cache', [record('p1', '/x', changed)]);
    await until(() => purged.length > 0);
    expect([purged, acknowledged]).toEqual([['everything'], []]);
  });

  test('what somebody else wrote past the platform purges nothing', async () => {
    const tail = await tailOf();
    await tail.catchUp(stop.signal);
    follow(tail);
    await log.append('cache', [record('p1', '/forged', { 'streams-direct': 'tenant-open' }), record('p2', '/real')]);
    await until(() => acknowledged.length === 1);
    expect(purged).toEqual(['/real']);
  });

  test('while the log cannot be read, it does not claim to know; then it goes on where it was', async () => {
    class Flaky extends MemoryEventLog {
      down = false;
      refused = 0;
      override async read(topic: string, partition: number, from: bigint, wanted: ReadLimits, signal?: AbortSignal): Promise<ReadBatch> {
        if (this.down) this.refused++;
        if (this.down) throw new OperatingError('away', { code: 'LOG_UNAVAILABLE', retryable: true });
        return super.read(topic, partition, from, wanted, signal);
      }
    }
    const flaky = new Flaky({ now: () => Date.now() } as never);
    await flaky.ensureTopic('cache', topicPartitions);
    const tail = await tailOf(flaky);
    await tail.catchUp(stop.signal);
    follow(tail);
    flaky.down = true;
    // Reads that were already waiting come back first.
    await until(() => flaky.refused >= topicPartitions);
    const known = tail.knownUntilMs;
    await flaky.append('cache', [record('p1', '/x')]);
    const refused = flaky.refused;
    await until(() => flaky.refused > refused + topicPartitions);
    expect([tail.knownUntilMs, purged]).toEqual([known, []]);
    flaky.down = false;
    await until(() => purged.length === 1);
    await until(() => tail.knownUntilMs > known);
  });

  test('each acknowledgement belongs to the tenant whose purge it was', async () => {
    const tenants: string[] = [];
    const tail = await tailOf(log, async (applied, tenant) => void tenants.push(...applied.map(({ data }) => `${tenant} ${data.purgeId}`)));
    await tail.catchUp(stop.signal);
    follow(tail);
    const of = (tenant: string, purgeId: string): LogRecord => record(purgeId, '/x', { ce_tenant: tenant });
    await log.append('cache', [of('acme', 'p1'), of('globex', 'p2'), of('acme', 'p3')]);
    await until(() => tenants.length === 3);
    expect(tenants.sort()).toEqual(['acme p1', 'acme p3', 'globex p2']);
  });

  test('the offset is stored only after the acknowledgement; until then a successor does it again', async () => {
    const gate = Promise.withResolvers<void>();
    const tail = await tailOf(log, () => gate.promise);
    await tail.catchUp(stop.signal);
    follow(tail);
    await log.append('cache', [record('p1', '/x')]);
    await until(() => purged.length === 1);
    // A purge is not held up by acknowledgements that wait.
    await log.append('cache', [record('p2', '/y')]);
    await until(() => purged.length === 2);
    const successor = await tailOf();
    await successor.catchUp(stop.signal);
    expect(purged.slice(2).sort()).toEqual(['/x', '/y']);
    gate.resolve();
  });

  test('an acknowledgement that can never be made is fatal', async () => {
    const tail = await tailOf(log, () => Promise.reject(new Error('fenced')));
    await tail.catchUp(stop.signal);
    follow(tail);
    await log.append('cache', [record('p1', '/x')]);
    await until(() => purged.includes('fatal Error: fenced'));
  });

  test('acknowledgements of others move the offset and nothing else', async () => {
    const tail = await tailOf();
    await tail.catchUp(stop.signal);
    follow(tail);
    const other = record('p1', '/x', { ce_type: purgeApplied.type });
    await log.append('cache', [other]);
    const high = async (): Promise<bigint> => (await log.heads('cache')).reduce((sum, head) => sum + head.high, 0n);
    await until(async () => tail.positions.reduce((sum, at) => sum + at, 0n) === (await high()));
    expect([purged, acknowledged]).toEqual([[], []]);
    expect((await log.read('cache', 0, 0n, limits)).high).toBeGreaterThanOrEqual(0n);
  });
});
