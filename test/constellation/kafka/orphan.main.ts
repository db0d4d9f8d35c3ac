import { KafkaCluster } from './kafka-cluster.ts';

/** Starts a broker, says where, and stays until it is killed. */
const cluster = await KafkaCluster.start({ brokers: 1 });
process.stdout.write(`${cluster.address}\n`);
setInterval(() => undefined, 1000);
