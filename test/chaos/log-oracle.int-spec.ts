/** @needs java maven */
import { afterEach, expect, jest, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KafkaCluster, kafkaStartTimeoutMs } from '../constellation/kafka/index.ts';
import { runOracle, type OracleReport } from './oracle/oracle-run.ts';

jest.setTimeout(kafkaStartTimeoutMs);

const closing: Array<() => Promise<unknown>> = [];

afterEach(async () => {
  for (const end of closing.splice(0).reverse()) await end();
});

async function dataDir(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'streams-oracle-'));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function expectAllWell(report: OracleReport): void {
  const { lost, doubled, outOfOrder, misread } = report;
  expect({ lost, doubled, outOfOrder, misread }).toEqual({ lost: [], doubled: [], outOfOrder: [], misread: [] });
  expect(report.acknowledged).toBeGreaterThan(0);
}

test('the embedded log: writers killed and put to sleep lose, double and mix up nothing', async () => {
  const env = { STREAMS_DATA_DIR: await dataDir(), KAFKA_BROKERS: '' };
  expectAllWell(await runOracle({ env, faults: 10, seed: 41, writers: 3, pauseMs: 300 }));
});

test('Kafka with three brokers: killed, paused and cut off one after the other, nothing is lost, and publishing goes on', async () => {
  const cluster = await KafkaCluster.start({ brokers: 3, isProxied: true });
  closing.push(() => cluster.stop());
  const env = { STREAMS_DATA_DIR: await dataDir(), KAFKA_BROKERS: cluster.address };
  expectAllWell(await runOracle({ env, cluster, faults: 10, seed: 42, writers: 3, pauseMs: 500 }));
});
