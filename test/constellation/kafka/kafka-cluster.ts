import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Admin } from '@platformatic/kafka';
import { CutProxy } from './cut-proxy.ts';
import { freePorts } from '../free-ports.ts';
import { kafkaJars } from './kafka-jars.ts';
import { KafkaProcess } from './kafka-process.ts';

/** It only bounds a hang: on a busy machine three brokers take a minute. */
const startDeadlineMs = 180_000;

export interface KafkaClusterInit {
  readonly brokers: number;
  /** Clients and the other brokers reach each broker through a proxy whose network can be cut. */
  readonly isProxied?: boolean;
  /** Each broker's data is on a disk of so many bytes, a {@link SmallDisk}. */
  readonly diskBytes?: number;
  /** More lines of server.properties, which may replace those of ours. */
  readonly properties?: (own: Readonly<Record<string, string>>) => Readonly<Record<string, string>>;
}

/** Brokers of our own, from Apache Kafka's jars, in KRaft mode on free ports; each can be killed, paused and started again. */
export class KafkaCluster {
  readonly brokers: readonly KafkaProcess[];
  /** `KAFKA_BROKERS` */
  readonly address: string;
  /** Of each broker, when they were asked for. */
  readonly proxies: readonly CutProxy[];
  readonly #folder: string;

  private constructor(folder: string, brokers: readonly KafkaProcess[], proxies: readonly CutProxy[], ports: readonly number[]) {
    this.#folder = folder;
    this.proxies = proxies;
    this.brokers = brokers;
    this.address = ports.map((port) => `127.0.0.1:${port}`).join(',');
  }

  /** Resolves once every broker serves. */
  static async start(init: KafkaClusterInit): Promise<KafkaCluster> {
    const jars = await kafkaJars();
    const folder = await mkdtemp(join(tmpdir(), 'streams-kafka-'));
    const ports = await freePorts(init.brokers * 2);
    const idBytes = randomBytes(16);
    idBytes[0] = (idBytes[0] as number) & 0x7f; // an id that begins with '-' would be taken for an option
    const clusterId = idBytes.toString('base64url');
    const clients = ports.slice(0, init.brokers);
    const controllers = ports.slice(init.brokers);
    const proxies = init.isProxied === true ? await Promise.all(clients.map((port) => CutProxy.start(() => port))) : [];
    const advertised = clients.map((port, at) => proxies[at]?.port ?? port);
    const brokers = await Promise.all(
      clients.map((port, at) => {
        const properties = propertiesOf({ id: at + 1, port, advertised: advertised[at] ?? port, controllers, more: init.properties });
        return KafkaProcess.create({ jars, folder: join(folder, `broker-${at + 1}`), properties, diskBytes: init.diskBytes }, clusterId);
      }),
    );
    const cluster = new KafkaCluster(folder, brokers, proxies, advertised);
    try {
      await Promise.all(brokers.map((broker) => broker.start()));
      await cluster.serving();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** Resolves once as many brokers serve as are running. */
  async serving(): Promise<void> {
    const wanted = this.brokers.filter(({ running }) => running).length;
    const end = Date.now() + startDeadlineMs;
    while ((await livingBrokers(this.address)) < wanted) {
      if (Date.now() > end) throw new Error(`Kafka does not serve:\n${this.brokers.map(({ output }) => output).join('\n')}`);
      await sleep(100);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.kill()));
    await Promise.all(this.brokers.map(async (broker) => broker.disk?.remove()));
    await Promise.all(this.proxies.map((proxy) => proxy.stop()));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Brokers that the cluster's metadata names; 0 when none answers. */
async function livingBrokers(address: string): Promise<number> {
  const admin = new Admin({ clientId: 'constellation', bootstrapBrokers: address.split(','), retries: 0, connectTimeout: 1000 });
  try {
    return (await admin.metadata({ topics: [], forceUpdate: true })).brokers.size;
  } catch {
    return 0;
  } finally {
    await admin.close();
  }
}

interface BrokerPlace {
  readonly id: number;
  readonly port: number;
  /** Where clients are told to find it. */
  readonly advertised: number;
  readonly controllers: readonly number[];
  readonly more: KafkaClusterInit['properties'];
}

/** Small internal topics, and failures noticed within seconds, so that tests need not wait for defaults meant for data centres. */
function propertiesOf({ id, port, advertised, controllers, more }: BrokerPlace): string {
  const copies = String(controllers.length);
  const inSync = controllers.length > 1 ? '2' : '1';
  const properties: Readonly<Record<string, string>> = {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': controllers.map((controller, at) => `${at + 1}@127.0.0.1:${controller}`).join(','),
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllers[id - 1]}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${advertised}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': '3',
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': '6',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': '0',
    'broker.session.timeout.ms': '4000',
    'broker.heartbeat.interval.ms': '500',
    'replica.lag.time.max.ms': '5000',
  };
  return Object.entries({ ...properties, ...more?.(properties) })
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');
}
