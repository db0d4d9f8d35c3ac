import type { EventLog, ProjectionStore } from '#ports';
import type { PartitionLoop } from './partition-loop.ts';

/** Looks after which a partition that has work and does not move counts as stalled. */
const looksMax = 4;

interface Look {
  readonly position: bigint | undefined;
  readonly times: number;
}

/**
 * Finds partitions that have something to read and do not move. Movement is the sign of life, not the lag: a long
 * rebuild lags and lives. It counts looks, not seconds, so that a process that was paused does not suspect everybody.
 */
export class StallWatch {
  readonly #log: EventLog;
  readonly #store: ProjectionStore;
  #looks = new Map<PartitionLoop, Look>();

  constructor(log: EventLog, store: ProjectionStore) {
    this.#log = log;
    this.#store = store;
  }

  /** The loops whose checkpoint was set back under their feet, because somebody reset the read model to have it rebuilt. */
  async setBack(loops: readonly PartitionLoop[]): Promise<readonly PartitionLoop[]> {
    // Taken first: a checkpoint only grows, so that one behind what we knew before we asked was set back.
    const known = loops.map((loop) => [loop, loop.position] as const);
    const stored = new Map(
      (await this.#store.checkpoints()).map((view) => [placeOf(view.projection, view.version, view.topic, view.partition), view.position]),
    );
    const isBack = (loop: PartitionLoop, position: bigint): boolean => {
      const { name, version } = loop.projection;
      return (stored.get(placeOf(name, version, loop.at.topic, loop.at.partition)) ?? 0n) < position;
    };
    return known.filter(([loop, position]) => position !== undefined && isBack(loop, position)).map(([loop]) => loop);
  }

  /** The loops that stood still for four looks in a row although there was something to read. */
  async look(loops: readonly PartitionLoop[]): Promise<readonly PartitionLoop[]> {
    const highs = await this.#highs(new Set(loops.map(({ at }) => at.topic)));
    const looks = new Map<PartitionLoop, Look>();
    const stalled: PartitionLoop[] = [];
    for (const loop of loops) {
      const high = highs.get(`${loop.at.topic}/${loop.at.partition}`) ?? 0n;
      const { position } = loop;
      if (loop.failing || (position !== undefined && position >= high)) continue;
      const before = this.#looks.get(loop);
      const times = before !== undefined && before.position === position ? before.times + 1 : 0;
      if (times >= looksMax) stalled.push(loop);
      else looks.set(loop, { position, times });
    }
    this.#looks = looks;
    return stalled;
  }

  async #highs(topics: ReadonlySet<string>): Promise<ReadonlyMap<string, bigint>> {
    const highs = new Map<string, bigint>();
    for (const topic of topics) {
      for (const { partition, high } of await this.#log.heads(topic)) highs.set(`${topic}/${partition}`, high);
    }
    return highs;
  }
}

function placeOf(projection: string, version: number, topic: string, partition: number): string {
  return `${projection}@${version}/${topic}/${partition}`;
}
