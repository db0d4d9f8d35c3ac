import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openEngines, type Engines } from '#adapters/engines';
import { KafkaEventLog } from '#adapters/kafka-log';
import { SealedEventLog } from '#adapters/sealed-log';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { contexts } from '#events';
import { OperatingError } from '#kernel';
import type { BlobStore, EventLog } from '#ports';
import { InstanceLock } from '../machine/instance-lock.ts';
import type { StreamsSettings } from '../streams.config.ts';
import { exitCodes, PlainFailure } from '../streams.errors.ts';
import { compareTopic, copyTopic, type BegunCopy, type CopyDeps, type TopicCopy } from './log-copy.ts';
import { MigratedDatabase, type DatabaseMoves } from './database-moves.ts';
import { Standstill } from './standstill.ts';

export type LogEngine = 'kafka' | 'embedded';

export interface MigrationInit {
  readonly settings: StreamsSettings;
  readonly to: LogEngine;
  /** One line of progress or of the result. */
  readonly say: (line: string) => void;
  /** Overwrites the line before; on a terminal only. */
  readonly showProgress: (line: string) => void;
}

export interface MigrationReport {
  readonly to: LogEngine;
  readonly topics: ReadonlyArray<{ readonly topic: string; readonly records: number; readonly found: number; readonly digest: string }>;
  /** Undefined when there is no database here. */
  readonly database: DatabaseMoves | undefined;
}

/**
 * Copies the event log from this machine's file to Kafka, or back: every event with its id, key, headers and time of
 * record, in the order of each partition. The original is left as it is. Broken off, the same command goes on.
 * @throws PlainFailure when the platform runs anywhere, somebody writes to one of the logs, or the target holds something else.
 */
export async function migrateLog(init: MigrationInit): Promise<MigrationReport> {
  const { settings, to } = init;
  const { kafka, logPath, dataDir, runPath } = settings;
  if (kafka === undefined) throw new PlainFailure('Say where Kafka is: set KAFKA_BROKERS.', exitCodes.usage);
  if (to === 'kafka' && !existsSync(logPath)) throw new PlainFailure(`There is no event log at ${logPath}: set STREAMS_DATA_DIR.`, exitCodes.usage);
  using _lock = InstanceLock.acquire(join(runPath, 'supervisor.lock'), dataDir);
  const cluster = new KafkaEventLog(kafka);
  const file = new SqliteEventLog({ path: logPath }, { clock: new SystemClock() });
  // What is sealed of either is read from the blob store, so that the copy holds all of it.
  const store = new LazyBlobs(settings);
  const whole = (hot: EventLog): EventLog => new SealedEventLog({}, { hot, blobs: () => store.open() });
  try {
    await reachable(cluster);
    const logs = to === 'kafka' ? { source: file, target: cluster } : { source: cluster, target: file };
    return await copyAll(init, { source: whole(logs.source), target: whole(logs.target) });
  } finally {
    await cluster.close();
    await file.close();
    await store.close();
  }
}

/** The blob store, if anything of a log is sealed. */
class LazyBlobs {
  readonly #settings: StreamsSettings;
  #opened: Promise<Engines<'blobs'>> | undefined;

  constructor(settings: StreamsSettings) {
    this.#settings = settings;
  }

  async open(): Promise<BlobStore> {
    this.#opened ??= openEngines(this.#settings, 'blobs');
    return (await this.#opened).blobs;
  }

  async close(): Promise<void> {
    await (await this.#opened)?.close();
  }
}

async function reachable(cluster: KafkaEventLog): Promise<void> {
  try {
    await cluster.heads(contexts[0]);
  } catch (error) {
    if (error instanceof OperatingError && ['LOG_UNAVAILABLE', 'LOG_REFUSED'].includes(error.code))
      throw new PlainFailure(error.message, exitCodes.unreachable);
    if (!(error instanceof OperatingError && error.code === 'TOPIC_UNKNOWN')) throw error;
  }
}

async function copyAll(
  { settings, to, say, showProgress }: MigrationInit,
  logs: { readonly source: EventLog; readonly target: EventLog },
): Promise<MigrationReport> {
  const database = await MigratedDatabase.open(settings);
  try {
    const [source, target] = [await logs.source.identity(), await logs.target.identity()];
    await database?.check(source, target);
    const standstill = new Standstill({ ...logs, topics: contexts, liveLeases: async () => (await database?.liveLeases()) ?? [] });
    await standstill.begin();
    const targetPlace = placeOf(settings, to);
    const deps = (topic: string): CopyDeps => ({
      ...logs,
      targetPlace,
      onProgress: (done, all) => showProgress(progressLine(topic, done, all)),
      onRecord: ({ headers }) => database?.saw(headers),
    });
    // All of them before the first is touched: a refusal changes nothing.
    const begun: BegunCopy[] = [];
    for (const topic of contexts) begun.push(...[await compareTopic(topic, deps(topic))].filter((one) => one !== undefined));
    const copies: TopicCopy[] = [];
    for (const one of begun) {
      const copy = await copyTopic(one, deps(one.topic));
      copies.push(copy);
      const before = copy.found > 0 ? `, ${copy.found} of them copied before` : '';
      say(`${copy.topic.padEnd(8)} ${String(copy.records).padStart(10)} events${before}  sha256 ${copy.digest.slice(0, 16)}…`);
    }
    await standstill.confirm();
    const moved = await database?.move(copies, { to, target });
    if (moved !== undefined) say(`Checkpoints moved: ${moved.checkpoints}. Commands that were on the log already: ${moved.forgotten}.`);
    return { to, topics: copies.map(({ topic, records, found, digest }) => ({ topic, records, found, digest })), database: moved };
  } finally {
    await database?.close();
  }
}

function placeOf({ kafka, logPath }: StreamsSettings, to: LogEngine): CopyDeps['targetPlace'] {
  if (to === 'embedded') return { where: logPath, emptied: `move the folder ${dirname(logPath)} away` };
  const { topicPrefix = '', brokers = [] } = kafka ?? {};
  return {
    where: `${topicPrefix === '' ? '' : `the topics ${topicPrefix}… on `}Kafka (${brokers.join(', ')})`,
    emptied: 'set another KAFKA_TOPIC_PREFIX, or delete the topics',
  };
}

const barWidth = 30;

export function progressLine(topic: string, done: number, all: number): string {
  const share = Math.min(1, done / Math.max(1, all));
  const full = Math.round(share * barWidth);
  return `${topic.padEnd(8)} ${'█'.repeat(full)}${'░'.repeat(barWidth - full)} ${String(Math.floor(share * 100)).padStart(3)} %`;
}
