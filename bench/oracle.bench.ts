import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KafkaCluster } from '../test/constellation/kafka/index.ts';
import { runOracle, type OracleInit, type OracleReport } from '../test/chaos/oracle/oracle-run.ts';
import type { Bench, BenchContext } from './harness/index.ts';

const faultsWanted = 200;

export const bench: Bench = {
  name: 'oracle',
  summary: 'kills, pauses and cut networks against the event log, embedded and on three Kafka brokers: what is lost, doubled, out of order',
  async run(context) {
    const folder = await mkdtemp(join(tmpdir(), 'bench-oracle-'));
    context.row('log', 'faults', 'records', 'acknowledged', 'replaced writers that woke up', 'wrong');
    try {
      const faults = context.quick ? 12 : faultsWanted;
      const common = { faults, seed: 20261126, writers: 4, pauseMs: 400 };
      const embedded = await runOracle({ ...common, env: { STREAMS_DATA_DIR: join(folder, 'embedded'), KAFKA_BROKERS: '' }, onFault });
      state(context, 'embedded', embedded);
      state(context, 'kafka', await onKafka(common, join(folder, 'kafka')));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function onKafka(common: Omit<OracleInit, 'env'>, dataDir: string): Promise<OracleReport> {
  const cluster = await KafkaCluster.start({ brokers: 3, isProxied: true });
  try {
    return await runOracle({ ...common, cluster, env: { STREAMS_DATA_DIR: dataDir, KAFKA_BROKERS: cluster.address }, onFault });
  } finally {
    await cluster.stop();
  }
}

function onFault(fault: string, count: number): void {
  process.stderr.write(`${count} ${fault}\n`);
}

function state(context: BenchContext, log: string, report: OracleReport): void {
  const faults = [...report.faults.values()].reduce((sum, count) => sum + count, 0);
  const kinds = ['lost', 'doubled', 'outOfOrder', 'misread'] as const;
  for (const kind of kinds) for (const one of report[kind].slice(0, 10)) process.stderr.write(`${kind}: ${one}\n`);
  context.row(
    log,
    faults,
    report.records,
    report.acknowledged,
    report.fenced,
    kinds.reduce((sum, kind) => sum + report[kind].length, 0),
  );
  context.bar(`oracle.${log}.faults`, faults, 'faults', `>= ${faultsWanted}`, faults >= faultsWanted || context.quick);
  for (const kind of kinds) context.bar(`oracle.${log}.${kind}`, report[kind].length, 'events', 0, report[kind].length === 0);
}
