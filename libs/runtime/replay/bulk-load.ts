import { setImmediate as turn } from 'node:timers/promises';
import { ChangeFold } from '#kernel';
import { poisonedMax, type BuildClaim, type BuildLoad, type BuildMove, type BuildPosition, type BuildStep, type EventLog, type ProjectionBuilds } from '#ports';
import { pause } from '../pause.ts';
import { nothingLeftOut, type LeftOut } from '../left-out.ts';
import { foldPart, type OnPoison } from './read-between.ts';
import type { ReplayProgress } from './replay-progress.ts';

export interface BulkLoadInit {
  readonly claim: BuildClaim;
  readonly positions: readonly BuildPosition[];
  /** Where each partition ends for this build, by `topic/partition`; those not named have no end. */
  readonly ends?: ReadonlyMap<string, bigint> | undefined;
  /** Partitions that are read at once. */
  readonly partitionsMax: number;
  /** Events per second at most; 0 for as fast as it goes. */
  readonly eventsPerSecondMax: number;
  /** `stop` when left out. */
  readonly onPoison?: OnPoison;
  readonly leftOut?: LeftOut;
  /** What one transaction takes at most: so many records, or so many rows. */
  readonly waveRecordsMax?: number;
  readonly waveRowsMax?: number;
}

export interface BulkLoadDeps {
  readonly log: EventLog;
  readonly builds: ProjectionBuilds;
  readonly progress: ReplayProgress;
}

interface Wave {
  readonly load: BuildLoad;
  readonly records: number;
}

/** Records folded before others of this thread get their turn: a few milliseconds. */
const sliceRecords = 1000;

/**
 * Carries the log into a build in waves: the partitions are read side by side and folded together, row by row in memory,
 * until one transaction is worth while; while it is written the next wave is read. Positions move with the rows, so that
 * whatever ends the process, the next one goes on from the last whole wave.
 */
export class BulkLoad {
  readonly #init: BulkLoadInit;
  readonly #deps: BulkLoadDeps;
  /** How far each partition has been read; ahead of the store by the wave under way. */
  readonly #read: Map<string, BuildMove>;
  #ran = false;

  constructor(init: BulkLoadInit, deps: BulkLoadDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#read = new Map(init.positions.map(({ topic, partition, position }) => [`${topic}/${partition}`, { topic, partition, from: position, to: position }]));
  }

  get ends(): ReadonlyMap<string, bigint> | undefined {
    return this.#init.ends;
  }

  get onPoison(): OnPoison {
    return this.#init.onPoison ?? 'stop';
  }

  get leftOut(): LeftOut {
    return this.#init.leftOut ?? nothingLeftOut;
  }

  /** True once it was asked to load. */
  get ran(): boolean {
    return this.#ran;
  }

  /** Records between where it has read and the ends of the log, as far as offsets tell. */
  async left(): Promise<number> {
    return [...(await this.lefts()).values()].reduce((sum, one) => sum + one, 0);
  }

  /** The same by `topic/partition`, where there is something left. */
  async lefts(): Promise<ReadonlyMap<string, number>> {
    return new Map((await this.#goals()).map(({ topic, partition, from, to }) => [`${topic}/${partition}`, Number(to - from)]));
  }

  /**
   * Loads up to where the log ends now; what arrives meanwhile is left to the next call.
   * @returns false when it was stopped before.
   * @throws what the log, the projection or the store failed with; everything before is loaded.
   */
  async run(stop: AbortSignal): Promise<boolean> {
    this.#ran = true;
    const goals = await this.#goals();
    let writing: Promise<void> = Promise.resolve();
    let failure: unknown;
    try {
      while (goals.length > 0 && !stop.aborted) {
        const begun = performance.now();
        const wave = await this.#fold(goals, stop);
        await writing;
        writing = this.#write(wave);
        writing.catch(() => undefined); // thrown where it is awaited
        await this.#brake(wave.records, performance.now() - begun, stop);
      }
    } catch (error) {
      failure = error;
    }
    await writing;
    if (failure !== undefined) throw failure as Error;
    return goals.length === 0;
  }

  async #goals(): Promise<BuildMove[]> {
    const goals: BuildMove[] = [];
    const topics = new Set([...this.#read.values()].map(({ topic }) => topic));
    for (const topic of topics) {
      for (const { partition, high } of await this.#deps.log.heads(topic)) {
        const read = this.#read.get(`${topic}/${partition}`);
        if (read === undefined) continue;
        const end = this.#init.ends?.get(`${topic}/${partition}`) ?? high;
        const to = end < high ? end : high;
        if (to > read.to) goals.push({ topic, partition, from: read.to, to });
      }
    }
    return goals;
  }

  /** Takes what is done off the goals. */
  async #fold(goals: BuildMove[], stop: AbortSignal): Promise<Wave> {
    const { claim, partitionsMax, waveRecordsMax = 150_000, waveRowsMax = 40_000, onPoison = 'stop' } = this.#init;
    const fold = new ChangeFold(claim.projection.tables);
    const moves = new Map<string, BuildStep>();
    let records = 0;
    const isFull = (): boolean => records >= waveRecordsMax || fold.size >= waveRowsMax || stop.aborted;
    const reader = async (): Promise<void> => {
      while (!isFull()) {
        const goal = goals.shift();
        if (goal === undefined) return;
        const part = await foldPart(this.#deps.log, claim.projection, fold, goal, { recordsMax: sliceRecords, onPoison, leftOut: this.leftOut });
        const place = `${goal.topic}/${goal.partition}`;
        const { from, skipped, poisoned } = moves.get(place) ?? { from: goal.from, skipped: 0, poisoned: [] };
        const passed = { skipped: skipped + part.skipped, poisoned: [...poisoned, ...part.poisoned].slice(0, poisonedMax) };
        moves.set(place, { ...goal, from, to: part.next, ...passed });
        if (part.next < goal.to) goals.push({ ...goal, from: part.next });
        records += part.records;
        await turn();
      }
    };
    // Of several failures the first is thrown once all have ended: none may go on folding behind it.
    const ended = await Promise.allSettled(Array.from({ length: partitionsMax }, reader));
    const failed = ended.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    for (const [place, move] of moves) this.#read.set(place, move);
    return { load: { ...claim, moves: [...moves.values()], changes: fold.changes() }, records };
  }

  async #write({ load, records }: Wave): Promise<void> {
    if (load.moves.length === 0) return;
    await this.#deps.builds.load(load);
    const skipped = load.moves.reduce((sum, move) => sum + move.skipped, 0);
    this.#deps.progress.add(
      records,
      skipped,
      load.moves.flatMap(({ poisoned }) => poisoned),
    );
  }

  async #brake(records: number, tookMs: number, stop: AbortSignal): Promise<void> {
    const { eventsPerSecondMax } = this.#init;
    if (eventsPerSecondMax === 0) return;
    const dueMs = (records / eventsPerSecondMax) * 1000;
    if (dueMs > tookMs) await pause(dueMs - tookMs, stop);
  }
}
