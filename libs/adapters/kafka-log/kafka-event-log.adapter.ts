import type { LogRecord } from '#events';
import { assert, OperatingError } from '#kernel';
import {
  checkRecordSize,
  EventLog,
  eventLogErrors,
  type AppendOptions,
  type ExpectedVersion,
  type KnownProducer,
  type PartitionHead,
  type Position,
  type ReadBatch,
  type ReadLimits,
  type RestoreRecords,
} from '#ports';
import { Cluster, type TopicView } from './cluster/cluster.ts';
import { pauseMs } from './cluster/pause.ts';
import { deleteRecords, earliest, latest } from './cluster/offsets.ts';
import { eventTopicConfigs, Topics, type TopicConfigs } from './cluster/topics.ts';
import { GuardedWriter } from './guard/guarded-writer.ts';
import { GuardTopic } from './guard/guard-topic.ts';
import { deniedError, mayPass, portError, refusalOf } from './kafka-log.errors.ts';
import type { KafkaLogInit } from './kafka-log.types.ts';
import { Fetcher } from './read/fetcher.ts';
import { PartitionReader } from './read/partition-reader.ts';
import { sharesOfStored } from './write/share.ts';
import { PlainWriter } from './write/plain-writer.ts';

const guardTopic = 'streams.guards';
const defaultAppendTimeoutMs = 30_000;
const defaultTransactionTimeoutMs = 10_000;
/** How long `close` waits for appends that are under way. */
const drainMs = 5000;
/** Whose clock tells when a record was recorded: the one of the log it comes from, or the broker's. */
const recordTimes = { kept: { 'message.timestamp.type': 'CreateTime' }, given: { 'message.timestamp.type': 'LogAppendTime' } } as const;
const configuredWithinMs = 1000;
const waitingPauseMs = 1000;
const waitingSayMs = 30_000;
/** A metadata request that fails is repeated for this long. */
const metadataBudgetMs = 10_000;

/**
 * The event log on Apache Kafka (3.1 or newer). Records travel as CloudEvents in binary mode; readers see committed
 * records only, and read from exact offsets or not at all. docs/adr/0012 says how appends are guarded.
 */
export class KafkaEventLog extends EventLog {
  readonly #init: KafkaLogInit;
  readonly #prefix: string;
  readonly #cluster: Cluster;
  readonly #topics: Topics;
  readonly #reader: PartitionReader;
  readonly #plain: PlainWriter;
  readonly #guarded: GuardedWriter;
  #closing: Promise<void> | undefined;

  /** Connects at the first use. */
  constructor(init: KafkaLogInit) {
    super();
    this.#init = init;
    this.#prefix = init.topicPrefix ?? '';
    this.#cluster = new Cluster(init);
    this.#topics = new Topics(init, this.#cluster);
    const cluster = this.#cluster;
    const fetcher = new Fetcher(cluster);
    const { compression = 'gzip', directTenants = ['default'] } = init;
    const appendTimeoutMs = init.appendTimeoutMs ?? defaultAppendTimeoutMs;
    this.#reader = new PartitionReader(cluster, fetcher, directTenants === '*' ? '*' : new Set(directTenants));
    this.#plain = new PlainWriter({ appendTimeoutMs, compression }, cluster);
    this.#guarded = new GuardedWriter({
      cluster,
      fetcher,
      states: new GuardTopic(`${this.#prefix}${guardTopic}`, { cluster, topics: this.#topics, fetcher }),
      compression,
      appendTimeoutMs,
      transactionTimeoutMs: init.transactionTimeoutMs ?? defaultTransactionTimeoutMs,
      prefix: this.#prefix,
    });
  }

  /**
   * Waits until the cluster answers, however long that takes; `onWaiting` is told why it does not, twice a minute.
   * @throws OperatingError `LOG_REFUSED` when it refuses our credentials, or no authority of ours vouches for it
   */
  async reached(onWaiting: (error: unknown) => void): Promise<void> {
    for (let failures = 0; ; failures++) {
      this.#checkOpen();
      try {
        await this.#cluster.metadata([]);
        return;
      } catch (error) {
        const denied = deniedError(error);
        if (denied !== undefined || !mayPass(error)) throw denied ?? portError(error);
        if (failures % (waitingSayMs / waitingPauseMs) === 0) onWaiting(this.#whyWaiting(error));
        await pauseMs(waitingPauseMs, this.#cluster.stopping);
      }
    }
  }

  /** A listener that wants TLS or SASL closes connections that come without, and does not say why. */
  #whyWaiting(error: unknown): OperatingError {
    const known = portError(error);
    const [isOpen, isAnonymous] = [this.#init.tls === undefined, this.#init.sasl === undefined];
    if ((!isOpen && !isAnonymous) || !/closed|reset|ended/i.test(known.message)) return known;
    const missing = [...(isOpen ? ['TLS (KAFKA_TLS)'] : []), ...(isAnonymous ? ['SASL (KAFKA_SASL_MECHANISM)'] : [])].join(' or ');
    return new OperatingError(`${known.message} Does it want ${missing}?`, { code: known.code, retryable: true, cause: error });
  }

  override async ensureTopic(topic: string, partitions: number): Promise<void> {
    this.#checkOpen();
    assert(Number.isInteger(partitions) && partitions >= 1, 'a topic has at least one partition');
    await this.#topics.ensure(`${this.#prefix}${topic}`, partitions, eventTopicConfigs(topic, this.#init));
  }

  override async append(topic: string, records: readonly LogRecord[], options: AppendOptions = {}): Promise<readonly Position[]> {
    this.#checkOpen();
    for (const record of records) checkRecordSize(record);
    // Without a turn of the loop where the topic is known, so that calls keep their order.
    const view = this.#cluster.known(`${this.#prefix}${topic}`) ?? (await this.#view(topic));
    if (options.producer !== undefined || options.expected !== undefined) return this.#guarded.append(view, records, options);
    return records.length === 0 ? [] : this.#plain.append(view, records);
  }

  override async read(topic: string, partition: number, from: bigint, limits: ReadLimits, signal?: AbortSignal): Promise<ReadBatch> {
    assert(limits.recordsMax >= 1, 'a read asks for at least one record');
    const view = await this.#place(topic, partition);
    return this.#reader.read(view.name, partition, from, limits, signal);
  }

  override async producer(topic: string, id: string): Promise<KnownProducer | undefined> {
    const { name } = await this.#view(topic);
    return this.#guarded.producer(name, id);
  }

  override async heads(topic: string): Promise<readonly PartitionHead[]> {
    const { name, leaders } = await this.#view(topic);
    const partitions = leaders.map((_, partition) => partition);
    const [lows, highs] = await Promise.all([this.#reader.ends(name, partitions, earliest), this.#reader.ends(name, partitions, latest)]);
    return partitions.map((partition) => ({ partition, low: lows.get(partition) ?? 0n, high: highs.get(partition) ?? 0n }));
  }

  override async offsetAt(topic: string, partition: number, timeMs: number): Promise<bigint> {
    const { name } = await this.#place(topic, partition);
    // Negative numbers would ask for the beginning or the end.
    const time = BigInt(Math.ceil(Math.min(Math.max(timeMs, 0), Number.MAX_SAFE_INTEGER)));
    const found = (await this.#reader.ends(name, [partition], time)).get(partition) ?? -1n;
    return found >= 0n ? found : ((await this.#reader.ends(name, [partition], latest)).get(partition) ?? 0n);
  }

  override async truncate(topic: string, partition: number, before: bigint): Promise<void> {
    const { name } = await this.#place(topic, partition);
    const [lows, highs] = await Promise.all([this.#reader.ends(name, [partition], earliest), this.#reader.ends(name, [partition], latest)]);
    const [low, high] = [lows.get(partition) ?? 0n, highs.get(partition) ?? 0n];
    if (before <= low) return;
    if (before > high) throw eventLogErrors.offsetOutOfRange(topic, partition, before, low, high);
    try {
      await deleteRecords(this.#cluster, name, partition, before);
    } catch (error) {
      // Somebody has truncated further.
      if (refusalOf(error) !== 'OFFSET_OUT_OF_RANGE') throw portError(error, topic);
    }
    this.#reader.truncated(name, partition);
  }

  /** While it runs, the topic takes the times that records bring along; afterwards the broker's clock counts again. */
  override async restore(topic: string, partitions: number, work: (write: RestoreRecords) => Promise<void>): Promise<void> {
    this.#checkOpen();
    const name = `${this.#prefix}${topic}`;
    const view = await this.#topics.ensure(name, partitions, { ...eventTopicConfigs(topic, this.#init), ...recordTimes.kept });
    await this.#configure(name, recordTimes.kept);
    try {
      await this.#guard(topic, (guarded) => this.#guarded.forgetProducers(guarded, this.#plain));
      await work(async (records) => {
        this.#checkOpen();
        for (const { partition } of records) checkPartition(topic, partition, view);
        await this.#plain.write(view, sharesOfStored(records), records.length);
      });
    } finally {
      await this.#configure(name, recordTimes.given);
    }
  }

  override async subjects(topic: string): Promise<readonly ExpectedVersion[]> {
    return this.#guard(topic, (name) => this.#guarded.subjects(name));
  }

  override async restoreSubjects(topic: string, versions: readonly ExpectedVersion[]): Promise<void> {
    await this.#guard(topic, (name) => this.#guarded.restoreSubjects(name, versions, this.#plain));
  }

  /** @throws OperatingError as the port says, whatever the brokers say */
  async #guard<Answer>(topic: string, work: (name: string) => Promise<Answer>): Promise<Answer> {
    const { name } = await this.#view(topic);
    try {
      // A leader that was just chosen may not know it yet. What is done here may be done twice.
      return await this.#cluster.insist(metadataBudgetMs, () => work(name));
    } catch (error) {
      throw portError(error, topic);
    }
  }

  async #configure(name: string, configs: TopicConfigs): Promise<void> {
    try {
      await this.#topics.configure(name, configs);
    } catch (error) {
      throw portError(error, name);
    }
    // Brokers hear of it a moment later.
    await pauseMs(configuredWithinMs, this.#cluster.stopping);
  }

  /** Topics that are deleted and made again under the same prefix are the same log by name. */
  override async identity(): Promise<string> {
    this.#checkOpen();
    try {
      const { clusterId } = await this.#cluster.insist(metadataBudgetMs, () => this.#cluster.metadata([]));
      return `kafka:${clusterId ?? ''}/${this.#prefix}`;
    } catch (error) {
      throw portError(error);
    }
  }

  override async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, drainMs)));
    // Reads end at once, appends get their answer where the brokers give one.
    this.#cluster.endWaits();
    await Promise.race([patience, Promise.all([this.#plain.drained(), this.#guarded.drained()])]);
    clearTimeout(timer);
    await this.#cluster.close();
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw eventLogErrors.closed();
  }

  /** @throws OperatingError `TOPIC_UNKNOWN`, `LOG_UNAVAILABLE`, `LOG_CLOSED` */
  async #view(topic: string): Promise<TopicView> {
    this.#checkOpen();
    const name = `${this.#prefix}${topic}`;
    const known = this.#cluster.known(name);
    if (known !== undefined) return known;
    try {
      return await this.#cluster.lookUp(name, metadataBudgetMs);
    } catch (error) {
      throw portError(error, topic);
    }
  }

  async #place(topic: string, partition: number): Promise<TopicView> {
    const view = await this.#view(topic);
    checkPartition(topic, partition, view);
    return view;
  }
}

function checkPartition(topic: string, partition: number, { leaders }: TopicView): void {
  if (partition < 0 || partition >= leaders.length) throw eventLogErrors.partitionUnknown(topic, partition, leaders.length);
}
