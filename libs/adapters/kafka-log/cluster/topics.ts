import { ConfigResourceTypes, createTopicsV7, IncrementalAlterConfigOperationTypes, incrementalAlterConfigsV1 } from '@platformatic/kafka';
import { eventLogErrors } from '#ports';
import { portError, refusalOf, BrokerRefusal } from '../kafka-log.errors.ts';
import type { KafkaLogInit } from '../kafka-log.types.ts';
import type { Cluster, TopicView } from './cluster.ts';

/** Most bytes of one batch: what an append puts into one partition is written in one, all or nothing. */
export const batchBytesMax = 16_777_216;
const createWithinMs = 30_000;

export type TopicConfigs = Readonly<Record<string, string>>;

/** Makes and describes topics. */
export class Topics {
  readonly #init: KafkaLogInit;
  readonly #cluster: Cluster;

  constructor(init: KafkaLogInit, cluster: Cluster) {
    this.#init = init;
    this.#cluster = cluster;
  }

  /** The topic, made with these settings when it is not there. @throws OperatingError `TOPIC_MISMATCH`, `LOG_UNAVAILABLE` */
  async ensure(name: string, partitions: number, configs: TopicConfigs): Promise<TopicView> {
    try {
      return await this.#cluster.insist(
        createWithinMs,
        () => this.#ensureOnce(name, partitions, configs),
        () => this.#cluster.forget(name),
      );
    } catch (error) {
      throw portError(error, name);
    }
  }

  async #ensureOnce(name: string, partitions: number, configs: TopicConfigs): Promise<TopicView> {
    const found = await this.#find(name);
    if (found === undefined) {
      await this.#create(name, partitions, configs);
      this.#cluster.forget(name);
    }
    const view = found ?? (await this.#cluster.topic(name));
    if (view.leaders.length !== partitions) throw eventLogErrors.topicMismatch(name, view.leaders.length, partitions);
    if (view.leaders.includes(-1)) throw new BrokerRefusal(5); // LEADER_NOT_AVAILABLE
    return view;
  }

  async #find(name: string): Promise<TopicView | undefined> {
    try {
      return await this.#cluster.topic(name);
    } catch (error) {
      if (refusalOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined;
      throw error;
    }
  }

  async #create(name: string, partitions: number, configs: TopicConfigs): Promise<void> {
    const replicationFactor = this.#init.replication ?? Math.max(1, Math.min(3, this.#cluster.size));
    const minInSync = this.#init.minInSync ?? (replicationFactor >= 3 ? 2 : 1);
    const all = { 'min.insync.replicas': String(minInSync), 'unclean.leader.election.enable': 'false', ...configs };
    const topic = {
      name,
      numPartitions: partitions,
      replicationFactor,
      assignments: [],
      configs: Object.entries(all).map(([key, value]) => ({ name: key, value })),
    };
    try {
      await this.#cluster.controller((connection) => createTopicsV7.api.async(connection, [topic], createWithinMs, false));
    } catch (error) {
      // Somebody else made it at the same moment.
      if (refusalOf(error) !== 'TOPIC_ALREADY_EXISTS') throw error;
    }
  }

  /** Changes settings of a topic. */
  async configure(name: string, configs: TopicConfigs): Promise<void> {
    const entries = Object.entries(configs).map(([key, value]) => ({ name: key, configOperation: IncrementalAlterConfigOperationTypes.SET, value }));
    const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: name, configs: entries };
    await this.#cluster.insist(createWithinMs, () =>
      this.#cluster.controller((connection) => incrementalAlterConfigsV1.api.async(connection, [resource], false)),
    );
  }
}

/** Topics of the platform itself, which say what became of others, begin with this; time never removes their records. */
const ownPrefix = 'streams.';

/**
 * Of topics that hold events. Every record gets the broker's time, which a client cannot falsify.
 * @param topic its name, without the installation's prefix
 */
export function eventTopicConfigs(topic: string, init: KafkaLogInit): TopicConfigs {
  const retentionMs = topic.startsWith(ownPrefix) ? undefined : init.retentionMs;
  return {
    'cleanup.policy': 'delete',
    'retention.ms': String(retentionMs ?? -1),
    'retention.bytes': '-1',
    'message.timestamp.type': 'LogAppendTime',
    'max.message.bytes': String(batchBytesMax + 65_536),
    'compression.type': 'producer',
  };
}
