import { openEngines } from '#adapters/engines';
import { Prng } from '#kernel';
import { readSharedSettings } from '#runtime';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaCluster } from '../../constellation/kafka/index.ts';
import { LiveReader, oraclePartitions, oracleTopic, readEverything } from './oracle-log.ts';
import { judge, type Verdict } from './verdict.ts';
import { OracleWriter } from './writers.ts';

export interface OracleInit {
  /** What writers are told about the log. */
  readonly env: Readonly<Record<string, string>>;
  /** Its brokers, to be hurt as well. */
  readonly cluster?: KafkaCluster;
  readonly faults: number;
  readonly seed: number;
  readonly writers: number;
  /** Between a fault and the next, at most, ms. */
  readonly pauseMs: number;
  readonly onFault?: (fault: string, count: number) => void;
}

export interface OracleReport extends Verdict {
  readonly faults: ReadonlyMap<string, number>;
  readonly fenced: number;
  readonly troubles: readonly string[];
}

type FaultWork = (dice: Prng) => Promise<void>;

/** Hurts writers and brokers while events are written and read, heals everything, and holds the log against what was promised. */
export async function runOracle(init: OracleInit): Promise<OracleReport> {
  const dice = new Prng(init.seed);
  const { log, close } = await openEngines(readSharedSettings(init.env), 'log');
  await log.ensureTopic(oracleTopic, oraclePartitions);
  const reader = new LiveReader(log);
  const writers = Array.from({ length: init.writers }, (_, at) => new OracleWriter(`w${at}`, init.env));
  const counts = new Map<string, number>();
  try {
    await progressOf(writers);
    const faults = faultsOf(init, writers);
    const names = Object.keys(faults);
    for (let count = 1; count <= init.faults; count++) {
      const name = names[count % names.length] as string;
      await faults[name]?.(dice);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      init.onFault?.(name, count);
      await sleep(dice.nextInteger(0, init.pauseMs));
    }
    // Publishing goes on, whatever has happened.
    await progressOf(writers);
  } finally {
    await Promise.all(writers.map((writer) => writer.stop()));
  }
  const written = await readSettled(() => readEverything(log));
  await caughtUp(reader, written);
  await reader.stop();
  const verdict = judge(
    written,
    writers.flatMap(({ acknowledged }) => acknowledged),
    reader.seen,
  );
  await close();
  return { ...verdict, faults: counts, fenced: sum(writers.map(({ fenced }) => fenced)), troubles: writers.flatMap(({ troubles }) => troubles) };
}

const progressDeadlineMs = 60_000;

/** Until every writer has had something acknowledged from now on. @throws Error after a minute */
async function progressOf(writers: readonly OracleWriter[]): Promise<void> {
  const before = writers.map(({ acknowledged }) => acknowledged.length);
  const end = Date.now() + progressDeadlineMs;
  while (writers.some(({ acknowledged }, at) => acknowledged.length <= (before[at] as number))) {
    if (Date.now() > end) throw new Error(`Publishing does not go on:\n${writers.flatMap(({ troubles }) => troubles.slice(-5)).join('\n')}`);
    await sleep(50);
  }
}

/** Transactions of killed writers are still to be ended: until two readings agree for longer than that may take. */
async function readSettled<Record>(read: () => Promise<Record[][]>): Promise<Record[][]> {
  const settledMs = 13_000;
  let last = await read();
  for (let quietSince = Date.now(); Date.now() - quietSince < settledMs; await sleep(500)) {
    const next = await read();
    if (next.some((records, at) => records.length !== last[at]?.length)) quietSince = Date.now();
    last = next;
  }
  return last;
}

async function caughtUp(reader: LiveReader, written: readonly unknown[][]): Promise<void> {
  const end = Date.now() + progressDeadlineMs;
  while (Date.now() < end && reader.seen.some((records, at) => records.length < (written[at]?.length ?? 0))) await sleep(50);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

/** Each heals what it hurt before it returns, or soon after: two brokers are never away at the same time. */
function faultsOf({ cluster }: OracleInit, writers: readonly OracleWriter[]): Readonly<Record<string, FaultWork>> {
  const oneOf = <Item>(items: readonly Item[], dice: Prng): Item => items[dice.nextInteger(0, items.length - 1)] as Item;
  const ofWriters: Record<string, FaultWork> = {
    'kill writer': (dice) => oneOf(writers, dice).kill(),
    'sleeping writer': async (dice) => {
      const wake = oneOf(writers, dice).replace();
      await sleep(dice.nextInteger(100, 1500));
      wake();
    },
  };
  if (cluster === undefined) return ofWriters;
  return {
    'kill broker': async (dice) => {
      const broker = oneOf(cluster.brokers, dice);
      await broker.kill();
      await sleep(dice.nextInteger(0, 3000));
      await broker.start();
      await cluster.serving();
    },
    ...ofWriters,
    'pause broker': async (dice) => {
      const broker = oneOf(cluster.brokers, dice);
      broker.signal('SIGSTOP');
      await sleep(dice.nextInteger(200, 6000));
      broker.signal('SIGCONT');
      await cluster.serving();
    },
    'cut network': async (dice) => {
      const proxy = oneOf(cluster.proxies, dice);
      proxy.cut();
      await sleep(dice.nextInteger(200, 4000));
      proxy.heal();
    },
  };
}
