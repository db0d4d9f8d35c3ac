import { rm, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { edgesProjection } from '#domain/edge';
import type { EventLog } from '#ports';
import { observeEngines } from '#runtime';
import { caughtUp, hostOf, openWorld } from '../test/replay/world.ts';
import { countPerSecond, type Bench, type BenchContext } from './harness/index.ts';
import { sampleRecord } from './log/records.ts';
import { fillFolded } from './projection/folded-rows.ts';
import { closeAll, modes, openModes, type Mode, type WatchedMode } from './telemetry/modes.ts';
import { TracedLog, traced } from './telemetry/traced-events.ts';

const batchSize = 1000;
/** A share that being watched as by default may not fall below; the machine's own unrest is a few percent. */
const goal = 0.93;

/** Appends the same records with each mode in turn, so that all meet the same weather; the best of the rounds, per second. */
async function append(watched: readonly WatchedMode[], size: number, count: number, rounds: number): Promise<ReadonlyMap<Mode, number>> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-telemetry-'));
  const clock = new SystemClock();
  const logs = new Map<Mode, EventLog>();
  for (const { mode, telemetry } of watched) {
    const log = new SqliteEventLog({ path: join(folder, `${mode}.sqlite`) }, { clock });
    await log.ensureTopic('stream', 12);
    logs.set(mode, observeEngines({ clock, log }, telemetry).log);
  }
  const rates = new Map<Mode, number[]>(modes.map((mode) => [mode, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { mode, sampledShare } of rotated(watched, round)) {
      const batches = Array.from({ length: count / size }, (_, at) =>
        Array.from({ length: size }, (_each, n) => traced(sampleRecord(at * size + n), at * size + n, sampledShare)),
      );
      const rate = await countPerSecond(count, async () => {
        for (const records of batches) await logs.get(mode)?.append('stream', records);
      });
      // The first round warms the code.
      if (round > 0) rates.get(mode)?.push(rate);
    }
  }
  for (const log of logs.values()) await log.close();
  await rm(folder, { recursive: true });
  return best(rates);
}

/** The edges' projection from the log's start, in a world of its own for each mode. */
async function project(watched: readonly WatchedMode[], count: number, rounds: number): Promise<ReadonlyMap<Mode, number>> {
  const rates = new Map<Mode, number[]>(modes.map((mode) => [mode, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { mode, telemetry, sampledShare } of rotated(watched, round)) {
      const world = await openWorld();
      try {
        await fillFolded({ ...world, log: new TracedLog(world.log, sampledShare) as never }, count);
        const { log, projections } = observeEngines({ clock: new SystemClock(), log: world.log, projections: world.store }, telemetry);
        const host = await hostOf({ ...world, log: log as never, store: projections as never }, [edgesProjection]);
        const rate = await countPerSecond(count, async () => {
          await host.start();
          await caughtUp(world, [edgesProjection]);
        });
        await host.stop();
        if (round > 0) rates.get(mode)?.push(rate);
      } finally {
        await world.close();
      }
    }
  }
  return best(rates);
}

/** Nobody is always first. */
function rotated<T>(all: readonly T[], by: number): readonly T[] {
  return all.map((_, at) => all[(at + by) % all.length] as T);
}

/** What a mode can do: the rest is what else the machine had to do. */
function best(rates: ReadonlyMap<Mode, readonly number[]>): ReadonlyMap<Mode, number> {
  return new Map([...rates].map(([mode, samples]) => [mode, Math.max(...samples)]));
}

function report(context: BenchContext, id: string, rates: ReadonlyMap<Mode, number>): void {
  const off = rates.get('off') ?? Number.NaN;
  context.row(id, ...modes.map((mode) => Math.round(rates.get(mode) ?? 0)));
  for (const mode of modes.slice(1)) {
    const share = (rates.get(mode) ?? 0) / off;
    // Tracing everything is for a test, and is only shown.
    const isDefault = mode !== 'all traces';
    const slug = `${id} ${mode}`.replaceAll(/[ %]+/g, '-');
    context.bar(`telemetry.${slug}`, share, 'x off', isDefault ? `>= ${goal}` : 'shown', !isDefault || share >= goal, 1);
  }
}

export const bench: Bench = {
  name: 'telemetry-overhead',
  summary: 'what appending and projecting cost when watched: metrics, 1 % of the traces, all of them; beside not being watched',
  async run(context) {
    const watched = await openModes();
    try {
      context.row('events/s', ...modes);
      report(context, 'append batches', await append(watched, batchSize, 20_000, context.quick ? 4 : 8));
      report(context, 'append single', await append(watched, 1, 2_000, context.quick ? 4 : 8));
      report(context, 'projection', await project(watched, context.quick ? 60_000 : 100_000, context.quick ? 3 : 5));
    } finally {
      await closeAll(watched);
    }
  },
};
