import type { Cluster } from '../cluster/cluster.ts';
import { send } from '../cluster/connections.ts';
import { BrokerRefusal } from '../kafka-log.errors.ts';
import { createFetchRequest, fetchApi, type FetchAnswer, type FetchedPartition } from '../wire/fetch.codec.ts';
import type { Demand } from './demand.ts';

export interface FetchListener {
  readonly answered: (demand: Demand, answer: FetchedPartition) => void;
  readonly failed: (demand: Demand, error: unknown) => void;
  /** Nobody waits for it any more. */
  readonly dropped: (demand: Demand) => void;
}

/** Requests of one kind that wait at one broker at once; each has a connection of its own. */
const longLanesMax = 3;
const longWaitMs = 500;
/**
 * With all of them out, newcomers wait in a request that comes back soon; whatever comes back meanwhile joins it, until
 * one long request waits for all again.
 */
const shortWaitMs = 20;
const answerBytesMax = 8_388_608;
/** A partition that brought records so lately is busy. */
const busyMs = 2_000;

/** Patient demands of one kind. */
interface Queue {
  readonly use: string;
  waiting: Demand[];
  readonly long: Set<number>;
  isShortOut: boolean;
}

function queueOf(use: string): Queue {
  return { use, waiting: [], long: new Set(), isShortOut: false };
}

/**
 * What is asked of one broker: many partitions in few requests, however many readers there are. The busy partitions have
 * requests of their own: one event ends a request, and asking anew for a hundred partitions costs the broker far more than
 * for the few that events come from.
 */
export class BrokerFetches {
  readonly #node: number;
  readonly #cluster: Cluster;
  readonly #listener: FetchListener;
  readonly #busy = queueOf('fetch-busy');
  readonly #idle = queueOf('fetch-idle');
  /** When each partition brought records, by the monotonic clock, ms. */
  readonly #broughtAt = new Map<string, number>();
  #hurried: Demand[] = [];
  #isHurriedOut = false;
  /** Nobody was answered: the next request waits a little at the broker, so that asking again is no busy loop. */
  #isHurriedStuck = false;
  #isScheduled = false;

  constructor(node: number, cluster: Cluster, listener: FetchListener) {
    this.#node = node;
    this.#cluster = cluster;
    this.#listener = listener;
  }

  add(demand: Demand): void {
    (demand.isPatient ? this.#queueFor(demand).waiting : this.#hurried).push(demand);
    this.#schedule();
  }

  #queueFor(demand: Demand): Queue {
    const isBusy = performance.now() - (this.#broughtAt.get(partitionOf(demand)) ?? -Infinity) < busyMs;
    return isBusy ? this.#busy : this.#idle;
  }

  /** At the end of this turn of the loop: readers who were answered together ask together. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (!this.#isHurriedOut && this.#hurried.length > 0) void this.#sendHurried();
      for (const queue of [this.#busy, this.#idle]) if (!queue.isShortOut && queue.waiting.length > 0) void this.#sendPatient(queue);
    });
  }

  async #sendHurried(): Promise<void> {
    const [demands, rest] = distinct(this.#stillWanted(this.#hurried));
    this.#hurried = rest;
    if (demands.length === 0) return;
    this.#isHurriedOut = true;
    await this.#send(demands, 'fetch-now', this.#isHurriedStuck ? shortWaitMs : 0);
    this.#isHurriedOut = false;
    this.#isHurriedStuck = demands.every((demand) => this.#hurried.includes(demand));
    this.#schedule();
  }

  async #sendPatient(queue: Queue): Promise<void> {
    const [demands, rest] = distinct(this.#stillWanted(queue.waiting));
    queue.waiting = rest;
    if (demands.length === 0) return;
    const lane = Array.from({ length: longLanesMax }, (_, at) => at).find((at) => !queue.long.has(at));
    if (lane === undefined) queue.isShortOut = true;
    else queue.long.add(lane);
    await this.#send(demands, `${queue.use}-${lane ?? 'short'}`, lane === undefined ? shortWaitMs : longWaitMs);
    if (lane === undefined) queue.isShortOut = false;
    else queue.long.delete(lane);
    this.#schedule();
  }

  #stillWanted(demands: readonly Demand[]): readonly Demand[] {
    return demands.filter((demand) => !demand.isAbandoned || (this.#listener.dropped(demand), false));
  }

  async #send(demands: readonly Demand[], use: string, waitMs: number): Promise<void> {
    const topics = [...Map.groupBy(demands, ({ place }) => place.topic)].map(([name, each]) => ({
      name,
      partitions: each.map(({ place: { partition, from: offset, bytesMax } }) => ({
        partition,
        offset,
        bytesMax,
        leaderEpoch: this.#cluster.known(name)?.leaderEpochs[partition] ?? -1,
      })),
    }));
    try {
      const answer = await this.#cluster.broker(this.#node, use, (connection) =>
        send(connection, fetchApi, () => createFetchRequest({ waitMs, bytesMax: answerBytesMax, topics })),
      );
      this.#read(answer, demands);
    } catch (error) {
      for (const demand of demands) this.#listener.failed(demand, error);
    }
  }

  #read(answer: FetchAnswer, demands: readonly Demand[]): void {
    if (answer.errorCode !== 0) throw new BrokerRefusal(answer.errorCode);
    const said = new Map<string, FetchedPartition>(
      answer.topics.flatMap(({ name, partitions }) => partitions.map((one) => [`${name}/${one.partition}`, one] as const)),
    );
    const empty: Demand[] = [];
    for (const demand of demands) {
      const name = partitionOf(demand);
      const one = said.get(name);
      if (one !== undefined && one.records.length > 0) this.#broughtAt.set(name, performance.now());
      if (one !== undefined && one.errorCode !== 0) this.#listener.failed(demand, new BrokerRefusal(one.errorCode));
      else if (one !== undefined && (one.records.length > 0 || isEnd(demand, one))) this.#listener.answered(demand, one);
      else {
        demand.asked();
        empty.push(demand);
      }
    }
    // In front, so that a partition which found no room in this answer has its turn in the next: brokers give room in the
    // order of the request, and to the first of it whatever its next batch takes.
    const patient = Map.groupBy(
      empty.filter(({ isPatient }) => isPatient),
      (demand) => this.#queueFor(demand),
    );
    for (const [queue, each] of patient) queue.waiting.unshift(...each);
    this.#hurried.unshift(...empty.filter(({ isPatient }) => !isPatient));
  }
}

/** Nothing is an answer to one in a hurry where the partition ends; before that, it only found no room in the answer. */
function isEnd({ isPatient, place }: Demand, { lastStableOffset }: FetchedPartition): boolean {
  return !isPatient && lastStableOffset <= place.from;
}

function partitionOf({ place: { topic, partition } }: Demand): string {
  return `${topic}/${partition}`;
}

/** A request names a partition once: readers at other places of it take the next. */
function distinct(demands: readonly Demand[]): [Demand[], Demand[]] {
  const names = new Set<string>();
  const [first, rest]: [Demand[], Demand[]] = [[], []];
  for (const demand of demands) {
    const name = partitionOf(demand);
    (names.has(name) ? rest : first).push(demand);
    names.add(name);
  }
  return [first, rest];
}
