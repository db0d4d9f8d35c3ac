import { initProducerIdV4, type CompressionAlgorithmValue } from '@platformatic/kafka';
import type { LogRecord } from '#events';
import { eventLogErrors, type Position } from '#ports';
import type { Cluster, TopicView } from '../cluster/cluster.ts';
import { send } from '../cluster/connections.ts';
import { pauseMs } from '../cluster/pause.ts';
import { answerOf, BrokerRefusal, isProducerLost, mayPass, portError, refusalOf } from '../kafka-log.errors.ts';
import { createProduceRequest, produceApi, type ProduceTopic } from '../wire/produce.codec.ts';
import { ByteRoom } from './byte-room.ts';
import { PartitionQueue, type PendingShare, type Writer } from './partition-queue.ts';
import { positionsOf, sharesOf, type Share } from './share.ts';

const roomBytes = 67_108_864;
const requestBytesMax = 8_388_608;
/** Requests to one broker at once; each partition is in at most one of them. */
const lanesPerBroker = 3;
const brokerTimeoutMs = 6000;
const retryPauseMs = 100;

type ProduceAnswer = ReturnType<typeof produceApi.parse>;

export interface PlainWriterInit {
  readonly appendTimeoutMs: number;
  readonly compression: CompressionAlgorithmValue;
}

/** Appends that nobody guards: durable on all in-sync replicas, in the order of the calls, each batch once. */
export class PlainWriter {
  readonly #init: PlainWriterInit;
  readonly #cluster: Cluster;
  readonly #queues = new Map<string, PartitionQueue>();
  /** With something to write and no request out. */
  readonly #ready = new Set<PartitionQueue>();
  /** Of each broker, the connections that are in use. */
  readonly #lanes = new Map<number, Set<number>>();
  readonly #room = new ByteRoom(roomBytes);
  #writer: Promise<Writer> | undefined;
  #isScheduled = false;
  #underWay = 0;
  #drained = Promise.withResolvers<void>();

  constructor(init: PlainWriterInit, cluster: Cluster) {
    this.#init = init;
    this.#cluster = cluster;
  }

  /** @throws OperatingError as the port says; other partitions' records may be written then */
  async append(topic: TopicView, records: readonly LogRecord[]): Promise<readonly Position[]> {
    return this.write(topic, sharesOf(records, topic.leaders.length, Date.now()), records.length);
  }

  /** As {@link append}, into partitions that are chosen already. */
  async write(topic: TopicView, shares: readonly Share[], count: number): Promise<readonly Position[]> {
    const size = shares.reduce((sum, share) => sum + share.size, 0);
    this.#underWay++;
    try {
      await this.#room.enter(size);
      const deadline = performance.now() + this.#init.appendTimeoutMs;
      const bases = await Promise.allSettled(shares.map((share) => this.#enqueue(topic.name, { share, deadline })));
      this.#room.leave(size);
      const failed = bases.find((one) => one.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      return positionsOf(
        shares,
        bases.map((one) => (one as PromiseFulfilledResult<bigint>).value),
        count,
      );
    } finally {
      if (--this.#underWay === 0) this.#drained.resolve();
    }
  }

  /** Resolves when nothing is under way. */
  async drained(): Promise<void> {
    while (this.#underWay > 0) {
      this.#drained = Promise.withResolvers();
      await this.#drained.promise;
    }
  }

  #enqueue(topic: string, share: Pick<PendingShare, 'share' | 'deadline'>): Promise<bigint> {
    const name = `${topic}/${share.share.partition}`;
    const queue = this.#queues.get(name) ?? new PartitionQueue(topic, share.share.partition);
    this.#queues.set(name, queue);
    return new Promise((resolve, reject) => {
      queue.add({ ...share, resolve, reject });
      if (!queue.isOut) this.#ready.add(queue);
      this.#schedule();
    });
  }

  /** At the end of this turn of the loop, so that appends made in one turn share a request. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    const now = performance.now();
    const due = [...this.#ready].filter((queue) => queue.notBefore <= now);
    const groups = Map.groupBy(due, (queue) => this.#cluster.known(queue.topic)?.leaders[queue.partition] ?? -1);
    for (const [leader, queues] of groups) {
      if (leader !== -1 && this.#lanesOf(leader).size >= lanesPerBroker) continue;
      for (const queue of queues) {
        this.#ready.delete(queue);
        queue.isOut = true;
      }
      void (leader === -1 ? this.#findLeaders(queues) : this.#send(leader, queues));
    }
  }

  /** The partitions that nobody is known to lead: the cluster is asked, and they wait a little. */
  async #findLeaders(queues: readonly PartitionQueue[]): Promise<void> {
    for (const [topic, each] of Map.groupBy(queues, (queue) => queue.topic)) {
      try {
        const { leaders } = await this.#cluster.topic(topic);
        for (const queue of each) {
          if (leaders[queue.partition] === -1) this.#settle(queue, new BrokerRefusal(5), true);
          else this.#release(queue);
        }
      } catch (error) {
        for (const queue of each) this.#settle(queue, error, true);
      }
    }
  }

  async #send(leader: number, queues: readonly PartitionQueue[]): Promise<void> {
    const lanes = this.#lanesOf(leader);
    const lane = Array.from({ length: lanesPerBroker }, (_, at) => at).find((one) => !lanes.has(one)) ?? 0;
    lanes.add(lane);
    try {
      await this.#request(leader, lane, queues);
    } finally {
      lanes.delete(lane);
      this.#schedule();
    }
  }

  #lanesOf(leader: number): Set<number> {
    const lanes = this.#lanes.get(leader) ?? new Set();
    this.#lanes.set(leader, lanes);
    return lanes;
  }

  async #request(leader: number, lane: number, queues: readonly PartitionQueue[]): Promise<void> {
    const sent: PartitionQueue[] = [];
    try {
      if (queues.some(({ isWornOut }) => isWornOut)) this.#writer = undefined;
      const writer = await this.#current();
      const batches: Array<readonly [PartitionQueue, Buffer]> = [];
      let bytes = 0;
      for (const queue of queues) {
        if (bytes > requestBytesMax) {
          this.#release(queue);
          continue;
        }
        const batch = queue.bytes(writer, this.#init.compression);
        bytes += batch.length;
        batches.push([queue, batch]);
        sent.push(queue);
      }
      const answer = await this.#produce(leader, lane, batches);
      this.#readAnswer(answer, sent);
    } catch (error) {
      for (const queue of sent.length > 0 ? sent : queues) this.#settle(queue, error, sent.length === 0);
    }
  }

  async #produce(leader: number, lane: number, batches: ReadonlyArray<readonly [PartitionQueue, Buffer]>): Promise<ProduceAnswer> {
    const topics: ProduceTopic[] = [...Map.groupBy(batches, ([queue]) => queue.topic)].map(([name, each]) => ({
      name,
      partitions: each.map(([queue, batch]) => ({ index: queue.partition, batch })),
    }));
    return answerOf(() =>
      this.#cluster.broker(leader, `write-${lane}`, (connection) => send(connection, produceApi, () => createProduceRequest(null, brokerTimeoutMs, topics))),
    );
  }

  #readAnswer(answer: ProduceAnswer, queues: readonly PartitionQueue[]): void {
    const said = new Map(answer.responses.flatMap(({ name, partitionResponses }) => partitionResponses.map((one) => [`${name}/${one.index}`, one] as const)));
    for (const queue of queues) {
      const one = said.get(`${queue.topic}/${queue.partition}`);
      if (one?.errorCode === 0) {
        queue.written(one.baseOffset);
        this.#release(queue);
      } else {
        this.#settle(queue, new BrokerRefusal(one?.errorCode ?? 7, one?.errorMessage), false);
      }
    }
  }

  /** What becomes of a batch that was not acknowledged: it is sent again, or given up. */
  #settle(queue: PartitionQueue, error: unknown, isUnsent: boolean): void {
    if (isProducerLost(error)) {
      this.#writer = undefined;
      if (queue.isRepetition) queue.failed(portError(error, queue.topic));
      else queue.again();
      return this.#release(queue);
    }
    const isGone = refusalOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION' && isUnsent;
    if (isGone || !mayPass(error) || performance.now() > queue.deadline || this.#cluster.stopping.aborted) {
      const why = this.#cluster.stopping.aborted ? eventLogErrors.closed() : portError(error, queue.topic);
      queue.failed(why);
      this.#writer = undefined;
      return this.#release(queue);
    }
    this.#cluster.forget(queue.topic);
    queue.notBefore = performance.now() + retryPauseMs;
    this.#release(queue);
    void pauseMs(retryPauseMs + 1, this.#cluster.stopping).then(() => this.#schedule());
  }

  #release(queue: PartitionQueue): void {
    queue.isOut = false;
    if (!queue.isIdle) this.#ready.add(queue);
    this.#schedule();
  }

  /** One writer for all partitions, until one of them has lost track of it. */
  #current(): Promise<Writer> {
    this.#writer ??= this.#cluster
      .anyBroker((connection) => initProducerIdV4.api.async(connection, null, brokerTimeoutMs, -1n, -1))
      .then(({ producerId, producerEpoch }) => ({ id: producerId, epoch: producerEpoch }));
    this.#writer.catch(() => (this.#writer = undefined));
    return this.#writer;
  }
}
