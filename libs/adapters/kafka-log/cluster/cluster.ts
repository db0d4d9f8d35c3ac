import { findCoordinatorV4, metadataV12, parseBroker, type Connection } from '@platformatic/kafka';
import { eventLogErrors } from '#ports';
import { answerOf, BrokerRefusal, mayPass, refusalOf } from '../kafka-log.errors.ts';
import type { KafkaLogInit } from '../kafka-log.types.ts';
import { Connections, type BrokerAddress } from './connections.ts';
import { pauseMs } from './pause.ts';

/** A topic as the cluster describes it. */
export interface TopicView {
  readonly name: string;
  /** Given at its creation: another one of the same name has another. */
  readonly id: string;
  /** Node that leads each partition; -1 while there is none. */
  readonly leaders: readonly number[];
  /** How often each partition has changed its leader: a broker that does not know of the last change is not to be believed. */
  readonly leaderEpochs: readonly number[];
}

type MetadataAnswer = Awaited<ReturnType<typeof metadataV12.api.async>>;

const unknownTopic = 3;
/** Short, because the commonest reason is the end of the transaction before, which takes a moment. */
const firstPauseMs = 3;
const longestPauseMs = 500;

/** Which brokers there are, who leads what, and how to reach them. */
export class Cluster {
  readonly #connections: Connections;
  readonly #bootstrap: readonly BrokerAddress[];
  readonly #nodes = new Map<number, BrokerAddress>();
  readonly #topics = new Map<string, TopicView>();
  readonly #asking = new Map<string, Promise<TopicView>>();
  /** The newest known of each topic's partitions. */
  readonly #leaderEpochs = new Map<string, readonly number[]>();
  readonly #coordinators = new Map<string, number>();
  readonly #stop = new AbortController();
  readonly #waitsEnd = new AbortController();
  #controller = -1;
  /** Of the address that answered last; one that does not answer costs seconds. */
  #turn = 0;

  constructor(init: KafkaLogInit) {
    this.#connections = new Connections(init);
    this.#bootstrap = init.brokers.map((broker) => parseBroker(broker));
  }

  get stopping(): AbortSignal {
    return this.#stop.signal;
  }

  /** Aborts when those who wait for new records are to be sent home. */
  get waitsEnd(): AbortSignal {
    return this.#waitsEnd.signal;
  }

  endWaits(): void {
    this.#waitsEnd.abort();
  }

  get size(): number {
    return this.#nodes.size;
  }

  /** A topic that was asked for before. */
  known(topic: string): TopicView | undefined {
    return this.#topics.get(topic);
  }

  /** Asks again at the next use: leadership may have moved. */
  forget(topic: string): void {
    this.#topics.delete(topic);
  }

  /** @throws BrokerRefusal `UNKNOWN_TOPIC_OR_PARTITION`, or as the network does */
  async topic(topic: string): Promise<TopicView> {
    const known = this.#topics.get(topic);
    if (known !== undefined) return known;
    const asking = this.#asking.get(topic) ?? this.#ask(topic).finally(() => this.#asking.delete(topic));
    this.#asking.set(topic, asking);
    return asking;
  }

  /** As {@link topic}, also while brokers are away for a moment. A topic that does not exist is told at once. */
  async lookUp(topic: string, budgetMs: number): Promise<TopicView> {
    const found = await this.insist(budgetMs, async () => {
      try {
        return await this.topic(topic);
      } catch (error) {
        if (refusalOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined;
        throw error;
      }
    });
    if (found === undefined) throw new BrokerRefusal(unknownTopic);
    return found;
  }

  async #ask(topic: string): Promise<TopicView> {
    const answer = await this.metadata([topic]);
    const found = answer.topics.find(({ name }) => name === topic);
    if (found === undefined || found.errorCode === unknownTopic || found.partitions.length === 0) throw new BrokerRefusal(found?.errorCode || unknownTopic);
    const partitions = found.partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex);
    const leaders = partitions.map(({ leaderId }) => leaderId);
    const leaderEpochs = partitions.map(({ leaderEpoch }) => leaderEpoch);
    this.#checkEpochs(found.topicId, leaderEpochs);
    const view = { name: topic, id: found.topicId, leaders, leaderEpochs };
    if (!leaders.includes(-1)) this.#topics.set(topic, view);
    return view;
  }

  /** A broker that slept, or was cut off, still names the leaders of before; another one is asked next. */
  #checkEpochs(topicId: string, leaderEpochs: readonly number[]): void {
    const known = this.#leaderEpochs.get(topicId) ?? [];
    if (leaderEpochs.some((epoch, partition) => epoch < (known[partition] ?? -1))) {
      this.#turn++;
      throw new BrokerRefusal(5); // LEADER_NOT_AVAILABLE
    }
    this.#leaderEpochs.set(topicId, leaderEpochs);
  }

  /** What the cluster says about itself and some topics; those in trouble carry an error code. */
  async metadata(topics: readonly string[]): Promise<MetadataAnswer> {
    const answer = await this.anyBroker((connection) => answerOf(() => metadataV12.api.async(connection, [...topics], false, false)));
    this.#nodes.clear();
    for (const { nodeId, host, port } of answer.brokers) this.#nodes.set(nodeId, { host, port });
    this.#controller = answer.controllerId;
    return answer;
  }

  /** Asks brokers in turn until one answers. @throws what the last one failed with */
  async anyBroker<Answer>(work: (connection: Connection) => Promise<Answer>): Promise<Answer> {
    const addresses = [...this.#nodes.values(), ...this.#bootstrap];
    let failure: unknown;
    for (let n = 0; n < addresses.length; n++) {
      const address = addresses[(this.#turn + n) % addresses.length] as BrokerAddress;
      try {
        const answer = await work(await this.#connections.get(address, 'control'));
        this.#turn = (this.#turn + n) % addresses.length;
        return answer;
      } catch (error) {
        failure = error;
        if (refusalOf(error) !== undefined || this.stopping.aborted) break;
      }
    }
    throw failure;
  }

  /** Asks one broker. @throws as the broker or the network does */
  async broker<Answer>(node: number, use: string, work: (connection: Connection) => Promise<Answer>): Promise<Answer> {
    const address = this.#nodes.get(node);
    if (address === undefined) throw new BrokerRefusal(5); // LEADER_NOT_AVAILABLE
    return work(await this.#connections.get(address, use));
  }

  /** Asks the broker that passes changes of topics on to the controller. */
  async controller<Answer>(work: (connection: Connection) => Promise<Answer>): Promise<Answer> {
    return this.broker(this.#controller, 'control', work);
  }

  /** Asks the coordinator of a transactional id. @throws as the broker or the network does */
  async coordinator<Answer>(transactionalId: string, use: string, work: (connection: Connection) => Promise<Answer>): Promise<Answer> {
    const node = this.#coordinators.get(transactionalId) ?? (await this.#findCoordinator(transactionalId));
    try {
      return await this.broker(node, use, work);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === undefined || refusal === 'NOT_COORDINATOR' || refusal === 'COORDINATOR_NOT_AVAILABLE' || refusal === 'LEADER_NOT_AVAILABLE') {
        this.#coordinators.delete(transactionalId);
      }
      throw error;
    }
  }

  async #findCoordinator(transactionalId: string): Promise<number> {
    const { coordinators } = await this.anyBroker((connection) => findCoordinatorV4.api.async(connection, 1, [transactionalId]));
    const found = coordinators[0];
    if (found === undefined) throw new BrokerRefusal(15); // COORDINATOR_NOT_AVAILABLE
    this.#nodes.set(found.nodeId, { host: found.host, port: found.port });
    this.#coordinators.set(transactionalId, found.nodeId);
    return found.nodeId;
  }

  forgetCoordinator(transactionalId: string): void {
    this.#coordinators.delete(transactionalId);
  }

  /**
   * Tries until it succeeds, fails for good, or the time is up.
   * @throws what it failed with last; `LOG_CLOSED` when the log is closed meanwhile
   */
  async insist<Answer>(budgetMs: number, work: () => Promise<Answer>, onFailure: (error: unknown) => void = () => undefined): Promise<Answer> {
    const end = performance.now() + budgetMs;
    for (let failures = 0; ; failures++) {
      this.checkOpen();
      try {
        return await work();
      } catch (error) {
        this.checkOpen();
        if (!mayPass(error)) throw error;
        onFailure(error);
        const waitMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures, 10));
        if (performance.now() + waitMs > end) throw error;
        await pauseMs(waitMs, this.stopping);
      }
    }
  }

  /** @throws OperatingError `LOG_CLOSED` */
  checkOpen(): void {
    if (this.stopping.aborted) throw eventLogErrors.closed();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#connections.close();
  }
}
