/** @needs java maven */
import { openEngines } from '#adapters/engines';
import type { EventLog } from '#ports';
import { readSharedSettings } from '#runtime';
import { KafkaCluster } from '../constellation/kafka/index.ts';
import { KafkaForger } from './kafka-forger.ts';
import { tampering } from './tampering.ts';

const prefix = 'audited-';

async function open(address: string): Promise<EventLog> {
  const env = { KAFKA_BROKERS: address, KAFKA_TOPIC_PREFIX: prefix, KAFKA_COMPRESSION: 'none', KAFKA_REPLICATION: '1' };
  return (await openEngines(readSharedSettings(env), 'log')).log;
}

tampering('the segments of Kafka', async () => {
  const cluster = await KafkaCluster.start({ brokers: 1 });
  const [broker] = cluster.brokers;
  if (broker === undefined) throw new Error('there is a broker');
  let log = await open(cluster.address);
  return {
    log,
    alterLive: ({ topic, partition }, number, from, to) => new KafkaForger(broker.dataFolder, prefix).alterInPlace(topic, partition, number, from, to),
    attack: async (work) => {
      await log.close();
      await broker.kill();
      work(new KafkaForger(broker.dataFolder, prefix));
      await broker.start();
      await cluster.serving();
      log = await open(cluster.address);
      return log;
    },
    close: async () => {
      await log.close();
      await cluster.stop();
    },
  };
});
