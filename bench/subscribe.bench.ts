import { KafkaEventLog } from '#adapters/kafka-log';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { contexts, topicPartitions, type LogRecord } from '#events';
import type { EventLog } from '#ports';
import { startKafka } from '../test/constellation/kafka/index.ts';
import { StartAt } from '../apps/gateway/grpc/generated/streams/v1/event_service_pb.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { countPerSecond, quantile, type Bench, type BenchContext } from './harness/index.ts';
import { sampleRecord, sampleRecords } from './log/records.ts';
import { residentMb } from './rtmp/process-usage.ts';
import { start, type Running } from './subscribe/process.ts';
import { countEvents, openHttp, readMessages, stallBy, subscribe, type GatewayFacts, type Stalled } from './subscribe/readers.ts';

const goals = { replay: 80_000, latencyMs: 50, sseMs: 250, stalledMb: 100 };
const sseReaders = 1_000;
const stalledReaders = 1_000;

interface World {
  readonly log: EventLog;
  readonly gateway: Running<GatewayFacts>;
}

/** A record that tells when it was written, on the clock of this machine. */
function stamped(n: number): LogRecord {
  const record = sampleRecord(n);
  return { ...record, headers: { ...record.headers, ce_id: `at-${performance.timeOrigin + performance.now()}-` } };
}

const stamp = /at-([\d.]+)-/g;

/** Delays of the stamped events in a text, ms. */
function delaysIn(text: string, delays: number[]): void {
  const now = performance.timeOrigin + performance.now();
  for (const match of text.matchAll(stamp)) delays.push(now - Number(match[1]));
}

async function replay({ gateway }: World, events: number, context: BenchContext): Promise<void> {
  let bytes = 0;
  let messages = 0;
  const rate = await countPerSecond(events, async () => {
    let seen = 0;
    const call = subscribe(gateway.facts, { start: { case: 'at', value: StartAt.BEGINNING } });
    for await (const message of call as AsyncIterable<Buffer>) {
      seen += countEvents(message);
      bytes += message.length;
      messages++;
      if (seen >= events) break;
    }
    call.cancel();
  });
  const size = Math.round(bytes / messages);
  const bare = await bareStream(size, messages, events);
  context.row(
    'Subscribe from the beginning',
    rate,
    'events/s',
    `${Math.round(bytes / events)} B an event on the wire, ${Math.round(events / messages)} a message`,
  );
  context.row('bare grpc-js, the same messages', bare, 'events/s', 'no log, no filter, no encoding');
  context.bar('subscribe.replay', rate, '1/s', `>= ${goals.replay}`, rate >= goals.replay, bare);
}

/** The peer: as many messages of the same size from a grpc-js server that does nothing else. */
async function bareStream(size: number, messages: number, events: number): Promise<number> {
  await using peer = await start<{ grpc: string }>('bare-stream-process', String(size), String(messages));
  return await countPerSecond(events, async () => {
    for await (const _ of readMessages(peer.facts.grpc, '/bare.Bare/Read', Buffer.alloc(0)) as AsyncIterable<Buffer>);
  });
}

/** Appends one event every so many ms, as evenly as timers can; `acked` gets the moment at which each was durable, by its stamp. */
async function appendEvenly(log: EventLog, perSecond: number, seconds: number, acked = new Map<string, number>()): Promise<void> {
  const started = performance.now();
  const under = new Set<Promise<unknown>>();
  for (let n = 0; n < perSecond * seconds;) {
    const due = Math.min(perSecond * seconds, Math.floor(((performance.now() - started) / 1000) * perSecond) + 1);
    for (; n < due; n++) {
      const record = stamped(n);
      const append = log.append('stream', [record]).then(() => acked.set(String(record.headers['ce_id']), performance.timeOrigin + performance.now()));
      under.add(append);
      void append.finally(() => under.delete(append));
    }
    await sleep(1);
  }
  await Promise.all(under);
}

/**
 * A JVM that has just started compiles what it runs, which takes more of two cores than all else here: a broker in service
 * has that behind it.
 */
const warmUpSeconds = { embedded: 1, kafka: 10 };

async function latency(engine: 'embedded' | 'kafka', { log, gateway }: World, seconds: number, context: BenchContext): Promise<void> {
  const seen: Array<readonly [id: string, at: number]> = [];
  const acked = new Map<string, number>();
  const call = subscribe(gateway.facts, {});
  const begun = new Promise((resolve) => call.once('data', resolve));
  call.on('data', (message: Buffer) => {
    const now = performance.timeOrigin + performance.now();
    for (const [id] of message.toString('latin1').matchAll(stamp)) seen.push([id, now]);
  });
  await begun;
  /** Appends for so long, and tells how long it was from the beginning of an append, and from its acknowledgement, ms. */
  const measure = async (forSeconds: number): Promise<string> => {
    seen.length = 0;
    await appendEvenly(log, 1_000, forSeconds, acked);
    while (seen.length < 1_000 * forSeconds) await sleep(20);
    const [begin, ack] = [seen.map(([id, at]) => at - Number(id.slice(3, -1))), seen.map(([id, at]) => Math.max(0, at - (acked.get(id) ?? at)))];
    p50 = quantile(begin, 0.5);
    p99 = quantile(begin, 0.99);
    return `p99 ${p99.toFixed(1)} ms; from the acknowledgement p50 ${quantile(ack, 0.5).toFixed(1)}, p99 ${quantile(ack, 0.99).toFixed(1)}`;
  };
  let [p50, p99] = [0, 0];
  const cold = await measure(warmUpSeconds[engine] > 1 ? 3 : 1);
  if (engine === 'kafka') context.row('the same in the first 3 s of a broker', p50, 'ms p50', cold);
  await measure(warmUpSeconds[engine]);
  const warm = await measure(seconds);
  call.cancel();
  context.row(`append → gRPC subscriber at 1,000/s, ${engine}`, p50, 'ms p50', warm);
  context.bar(`subscribe.latency.${engine}.p99`, p99, 'ms', `<= ${goals.latencyMs}`, p99 <= goals.latencyMs);
}

/** How long after the last append an event may still arrive, ms. */
const lateMs = 20_000;

async function manySse({ log, gateway }: World, seconds: number, context: BenchContext): Promise<void> {
  const before = await residentMb(gateway.pid);
  const delays: number[] = [];
  let events = 0;
  const readers = [];
  for (let at = 0; at < sseReaders; at++) {
    const response = await openHttp(gateway.facts, 'live?context=stream');
    // The delay of every event is counted for one reader in twenty; all are read to the end of each chunk.
    response.on('data', (chunk: Buffer) => {
      if (at % 20 === 0) delaysIn(chunk.toString('latin1'), delays);
      events += chunk.length;
    });
    response.on('error', () => undefined);
    readers.push(response);
  }
  /** Waits for the events of so many seconds: what is late counts as late, what never comes fails. */
  const arrived = async (forSeconds: number): Promise<void> => {
    const wanted = (100 * forSeconds * sseReaders) / 20;
    for (let waited = 0; delays.length < wanted && waited < lateMs; waited += 50) await sleep(50);
    if (delays.length < wanted) throw new Error(`only ${delays.length} of ${wanted} events arrived`);
  };
  await appendEvenly(log, 100, 2);
  await arrived(2);
  delays.length = 0;
  events = 0;
  await appendEvenly(log, 100, seconds);
  await arrived(seconds);
  const after = await residentMb(gateway.pid);
  for (const response of readers) response.destroy();
  const p99 = quantile(delays, 0.99);
  context.row(
    `${sseReaders} SSE readers, 100 events/s each`,
    p99,
    'ms p99',
    `gateway +${Math.round(after - before)} MB, ${Math.round(events / seconds / 1e6)} MB/s`,
  );
  context.bar('subscribe.sse.p99', p99, 'ms', `<= ${goals.sseMs}`, p99 <= goals.sseMs);
  context.bar('subscribe.sse.memory', after - before, 'MB', 'stated', true);
}

/** Highest resident memory within so many seconds of a log that goes on, MB. */
async function mostResident({ log, gateway }: World, seconds: number): Promise<number> {
  let most = 0;
  for (let at = 0; at < seconds; at++) {
    await log.append('stream', sampleRecords(100, at * 100));
    await sleep(1_000);
    most = Math.max(most, await residentMb(gateway.pid));
  }
  return most;
}

/** How long a client waits that was cut off and tries again. */
const comeBackMs = 15_000;

/**
 * A quarter of them by each protocol, each on a connection of its own and behind by the whole log: they take one chunk, then
 * nothing. Afterwards a half of them comes back every fifteen seconds, as clients do that give up and try again.
 */
async function stalled(world: World, seconds: number, context: BenchContext): Promise<void> {
  const { gateway } = world;
  const before = await residentMb(gateway.pid);
  const ways = Object.values(stallBy);
  const stall = (at: number): Promise<Stalled> => (ways[at % ways.length] as (typeof ways)[number])(gateway.facts);
  const readers = await Promise.all(Array.from({ length: stalledReaders }, (_, at) => stall(at)));
  const most = await mostResident(world, seconds);
  context.row(
    `${stalledReaders} readers that take nothing, ${seconds} s`,
    most - before,
    'MB more',
    `than with as many that read (${Math.round(before)} MB); a quarter each by ${Object.keys(stallBy).join(', ')}`,
  );
  context.bar('subscribe.stalled.memory', most - before, 'MB', `<= ${goals.stalledMb}`, most - before <= goals.stalledMb);
  let open = true;
  const comeBack = async (first: Stalled, way: number): Promise<void> => {
    for (let reader = first; open; reader = await stall(way)) {
      // A socket that is not read does not tell that it was closed.
      await sleep(comeBackMs, undefined, { ref: false });
      reader.leave();
    }
  };
  readers.slice(0, stalledReaders / 2).forEach((reader, at) => void comeBack(reader, at));
  const again = await mostResident(world, seconds);
  open = false;
  for (const reader of readers) reader.leave();
  context.row(`${stalledReaders / 2} of them come back every 15 s, ${seconds} s`, again - before, 'MB more', 'what they leave is collected');
  context.bar('subscribe.stalled.again.memory', again - before, 'MB', `<= ${goals.stalledMb}`, again - before <= goals.stalledMb);
}

async function fill(log: EventLog, events: number): Promise<void> {
  for (const topic of contexts) await log.ensureTopic(topic, topicPartitions);
  for (let from = 0; from < events; from += 1_000) await log.append('stream', sampleRecords(1_000, from));
}

/** The same on a real broker, with a gateway of its own. */
async function latencyOnKafka(seconds: number, context: BenchContext): Promise<void> {
  const kafka = await startKafka();
  const topicPrefix = `${kafka.env['KAFKA_TOPIC_PREFIX']}subscribe-`;
  const log = new KafkaEventLog({ brokers: kafka.address.split(','), clientId: 'bench', topicPrefix });
  try {
    for (const topic of contexts) await log.ensureTopic(topic, topicPartitions);
    await using gateway = await start<GatewayFacts>('gateway-process', 'kafka', kafka.address, topicPrefix);
    await latency('kafka', { log, gateway }, seconds, context);
  } finally {
    await log.close();
    await kafka.stop();
  }
}

async function run(context: BenchContext): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'streams-subscribe-'));
  const log = new SqliteEventLog({ path: join(folder, 'events.sqlite') }, { clock: new SystemClock() });
  context.row('what', 'value', 'unit', 'note');
  try {
    const events = context.quick ? 100_000 : 400_000;
    await fill(log, events);
    {
      await using gateway = await start<GatewayFacts>('gateway-process', 'embedded', join(folder, 'events.sqlite'));
      await replay({ log, gateway }, events, context);
      await latency('embedded', { log, gateway }, context.quick ? 3 : 10, context);
    }
    await latencyOnKafka(context.quick ? 3 : 10, context);
    {
      await using gateway = await start<GatewayFacts>('gateway-process', 'embedded', join(folder, 'events.sqlite'));
      await manySse({ log, gateway }, context.quick ? 5 : 15, context);
      // On the same gateway: what a thousand readers cost at all is there already, so that what shows is what stalling costs.
      await stalled({ log, gateway }, context.quick ? 20 : 60, context);
    }
  } finally {
    await log.close();
    await rm(folder, { recursive: true, force: true });
  }
}

export const bench: Bench = {
  name: 'subscribe',
  summary: 'reading the log by gRPC and server-sent events, beside a bare grpc-js stream of the same messages',
  run,
};
