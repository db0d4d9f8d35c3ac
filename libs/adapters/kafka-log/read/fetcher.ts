import { eventLogErrors } from '#ports';
import type { Cluster } from '../cluster/cluster.ts';
import { pauseMs } from '../cluster/pause.ts';
import { BrokerRefusal, mayPass, portError, refusalOf } from '../kafka-log.errors.ts';
import type { FetchedPartition } from '../wire/fetch.codec.ts';
import { BrokerFetches } from './broker-fetches.ts';
import { Demand, type Place } from './demand.ts';

const retryPauseMs = 100;

/** Reads partitions for everybody in this process: who waits for new records of one broker waits in few requests together. */
export class Fetcher {
  readonly #cluster: Cluster;
  readonly #brokers = new Map<number, BrokerFetches>();
  /** What somebody is waiting for, so that others can join. */
  readonly #open = new Map<string, Demand>();
  #hurried = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    cluster.waitsEnd.addEventListener('abort', () => {
      for (const demand of [...this.#open.values()]) this.#fail(demand, eventLogErrors.closed());
    });
  }

  /**
   * What follows the place: at once what is there, nothing only at the end of the partition, or waiting until something is.
   * @throws BrokerRefusal `OFFSET_OUT_OF_RANGE`; OperatingError `LOG_UNAVAILABLE`, `LOG_CLOSED`
   */
  fetch(place: Place, isPatient: boolean, signal?: AbortSignal): Promise<FetchedPartition | undefined> {
    if (this.#cluster.waitsEnd.aborted) return Promise.reject(eventLogErrors.closed());
    // One that wants an answer at once must not get one that was asked for before it came.
    const name = `${place.topic}/${place.partition}/${place.from}/${isPatient ? '' : ++this.#hurried}`;
    const demand = this.#open.get(name) ?? new Demand(name, place, isPatient);
    if (!this.#open.has(name)) {
      this.#open.set(name, demand);
      this.#ask(demand);
    }
    return demand.join(signal);
  }

  #ask(demand: Demand): void {
    const { topic, partition } = demand.place;
    const known = this.#cluster.known(topic);
    const leader = known?.leaders[partition];
    if (leader !== undefined) return this.#broker(leader).add(demand);
    void this.#cluster.topic(topic).then(
      ({ leaders }) => {
        const found = leaders[partition] ?? -1;
        if (found === -1) this.#failed(demand, new BrokerRefusal(5));
        else this.#broker(found).add(demand);
      },
      (error: unknown) => this.#failed(demand, error),
    );
  }

  #broker(node: number): BrokerFetches {
    const known = this.#brokers.get(node);
    if (known !== undefined) return known;
    const made = new BrokerFetches(node, this.#cluster, {
      answered: (demand, answer) => {
        this.#open.delete(demand.name);
        demand.answer(answer);
      },
      failed: (demand, error) => this.#failed(demand, error),
      dropped: (demand) => void this.#open.delete(demand.name),
    });
    this.#brokers.set(node, made);
    return made;
  }

  /** A leader that moved or is away is looked for again, as long as somebody waits; the patient ones are not bothered. */
  #failed(demand: Demand, error: unknown): void {
    if (demand.isAbandoned) return void this.#open.delete(demand.name);
    if (refusalOf(error) === 'OFFSET_OUT_OF_RANGE') return this.#fail(demand, error);
    demand.failures++;
    if (!mayPass(error) || demand.isOverdue) return this.#fail(demand, portError(error, demand.place.topic));
    this.#cluster.forget(demand.place.topic);
    void pauseMs(retryPauseMs, this.#cluster.waitsEnd).then(() => {
      if (!this.#cluster.waitsEnd.aborted) this.#ask(demand);
    });
  }

  #fail(demand: Demand, error: unknown): void {
    this.#open.delete(demand.name);
    demand.fail(error);
  }
}
