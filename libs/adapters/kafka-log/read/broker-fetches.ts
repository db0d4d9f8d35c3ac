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

/** Requests that wait at one broker at once; each has a connection of its own. */
const longLanesMax = 3;
const longWaitMs = 500;
/**
 * With all of them out, newcomers wait in a request that comes back soon; whatever comes back meanwhile joins it, until
 * one long request waits for all again.
 */
const shortWaitMs = 20;
const answerBytesMax = 8_388_608;

/** What is asked of one broker: many partitions in few requests, however many readers there are. */
export class BrokerFetches {
  readonly #node: number;
  readonly #cluster: Cluster;
  readonly #listener: FetchListener;
  #patient: Demand[] = [];
  #hurried: Demand[] = [];
  readonly #long = new Set<number>();
  #isShortOut = false;
  #isHurriedOut = false;
  #isScheduled = false;

  constructor(node: number, cluster: Cluster, listener: FetchListener) {
    this.#node = node;
    this.#cluster = cluster;
    this.#listener = listener;
  }

  add(demand: Demand): void {
    (demand.isPatient ? this.#patient : this.#hurried).push(demand);
    this.#schedule();
  }

  /** At the end of this turn of the loop: readers who were answered together ask together. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (!this.#isHurriedOut && this.#hurried.length > 0) void this.#sendHurried();
      if (!this.#isShortOut && this.#patient.length > 0) void this.#sendPatient();
    });
  }

  async #sendHurried(): Promise<void> {
    const [demands, rest] = distinct(this.#hurried);
    this.#hurried = rest;
    this.#isHurriedOut = true;
    await this.#send(demands, 'fetch-now', 0);
    this.#isHurriedOut = false;
    this.#schedule();
  }

  async #sendPatient(): Promise<void> {
    const waiting = this.#patient.filter((demand) => !demand.isAbandoned || (this.#listener.dropped(demand), false));
    const [demands, rest] = distinct(waiting);
    this.#patient = rest;
    if (demands.length === 0) return;
    const lane = Array.from({ length: longLanesMax }, (_, at) => at).find((at) => !this.#long.has(at));
    if (lane === undefined) this.#isShortOut = true;
    else this.#long.add(lane);
    await this.#send(demands, `fetch-${lane ?? 'short'}`, lane === undefined ? shortWaitMs : longWaitMs);
    if (lane === undefined) this.#isShortOut = false;
    else this.#long.delete(lane);
    this.#schedule();
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
    const said = new Map(answer.topics.flatMap(({ name, partitions }) => partitions.map((one) => [`${name}/${one.partition}`, one] as const)));
    const empty: Demand[] = [];
    for (const demand of demands) {
      const one = said.get(`${demand.place.topic}/${demand.place.partition}`);
      if (one !== undefined && one.errorCode !== 0) this.#listener.failed(demand, new BrokerRefusal(one.errorCode));
      else if (one !== undefined && (one.records.length > 0 || !demand.isPatient)) this.#listener.answered(demand, one);
      else {
        demand.asked();
        empty.push(demand);
      }
    }
    // In front, so that a partition which found no room in this answer has its turn in the next.
    this.#patient.unshift(...empty.filter(({ isPatient }) => isPatient));
    this.#hurried.unshift(...empty.filter(({ isPatient }) => !isPatient));
  }
}

/** A request names a partition once: readers at other places of it take the next. */
function distinct(demands: readonly Demand[]): [Demand[], Demand[]] {
  const names = new Set<string>();
  const [first, rest]: [Demand[], Demand[]] = [[], []];
  for (const demand of demands) {
    const name = `${demand.place.topic}/${demand.place.partition}`;
    (names.has(name) ? rest : first).push(demand);
    names.add(name);
  }
  return [first, rest];
}
