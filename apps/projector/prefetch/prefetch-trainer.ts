import { transitionsIn } from '#core/prefetch';
import { prefetchModelPublished, topicPartitions, type DraftOf } from '#events';
import type { Clock, EventLog, Lease, LeaseStore } from '#ports';
import { acquireBeyond, pause, type FactPublisher, type Logger, type Telemetry } from '#runtime';
import type { BrowseReader } from './browse-reader.ts';
import type { ModelShelf } from './model-shelf.ts';
import type { PrefetchTrainerSettings } from './prefetch-trainer.config.ts';
import { Lessons, type Candidate, type ZoneLessons } from './zone-lessons.ts';

export interface PrefetchTrainerInit extends PrefetchTrainerSettings {
  /** This process; unique. */
  readonly owner: string;
}

export interface PrefetchTrainerDeps {
  readonly browse: () => BrowseReader;
  readonly shelf: ModelShelf;
  readonly leases: LeaseStore;
  readonly publish: { readonly facts: FactPublisher; readonly log: Pick<EventLog, 'ensureTopic'> };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

const leaseName = 'prefetch-models';
const leaseTtlMs = 30_000;
/** How often the lease is held up, and no less often, ms. */
const lookMs = 5000;
/** Work goes on in portions, between which others have their turn. */
const rowsATurn = 50;

/**
 * Learns what is asked for after what from the read model of the access log, and tells edges of a model when it does better
 * than theirs on requests that it was not made of. One projector at once, by a lease; who takes over learns anew from the rows.
 */
export class PrefetchTrainer {
  readonly #init: PrefetchTrainerInit;
  readonly #deps: PrefetchTrainerDeps;
  readonly #stop = new AbortController();
  #lessons = new Lessons();
  #browse: BrowseReader | undefined;
  #lease: Lease | undefined;
  #running: Promise<void> | undefined;

  constructor(init: PrefetchTrainerInit, deps: PrefetchTrainerDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  start(): void {
    if (this.#init.everyMs > 0) this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    if (this.#lease !== undefined) await this.#deps.leases.release(this.#lease).catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { clock, logger, telemetry } = this.#deps;
    const { signal } = this.#stop;
    const waitMs = Math.min(lookMs, this.#init.everyMs);
    const heart = telemetry.health.loop('prefetch models', waitMs);
    let dueMs = clock.now() + waitMs;
    while (!signal.aborted) {
      heart.beat();
      try {
        if ((await this.#holds()) && clock.now() >= dueMs) {
          await this.look();
          dueMs = clock.now() + this.#init.everyMs;
        }
      } catch (err) {
        if (!signal.aborted) logger.warn({ err }, 'models of what is asked for next could not be made; trying again');
      }
      await pause(waitMs, signal);
    }
    heart.end();
  }

  /** Learns from what has come, and publishes what is better than what edges have. */
  async look(): Promise<void> {
    const { clock, shelf } = this.#deps;
    const { signal } = this.#stop;
    await shelf.clear();
    this.#browse ??= this.#deps.browse();
    let rows = 0;
    for await (const row of this.#browse.news(signal)) {
      this.#lessons.take(row);
      if (++rows % rowsATurn === 0) {
        await new Promise((resolve) => setImmediate(resolve));
        if (rows % (20 * rowsATurn) === 0 && !(await this.#holds())) return;
      }
    }
    for (const lessons of this.#lessons.zones) {
      if (signal.aborted || !(await this.#holds())) return;
      if (lessons.fresh === 0) continue;
      const current = await shelf.current(lessons.zone);
      const candidate = lessons.candidate(this.#init.bytesMax, current, clock.now());
      if (candidate.verdict !== 'keep') await this.#tell(lessons, candidate, current);
    }
  }

  async #tell(lessons: ZoneLessons, { model, outcome, verdict }: Candidate, current: Awaited<ReturnType<ModelShelf['current']>>): Promise<void> {
    const { clock, logger, shelf } = this.#deps;
    const { learnedFrom, tenant, triedOn, zone } = lessons;
    const number = (current?.number ?? 0) + 1;
    const kept = verdict === 'publish' ? model : { ...model, rows: new Map() };
    const blob = verdict === 'publish' ? await shelf.put(model) : { cid: null, sizeBytes: 0 };
    const said = { precision: outcome.precision ?? 0, coverage: outcome.coverage ?? 0, learnedFrom, triedOn };
    const data = { zone, number, ...blob, trainedAtMs: model.trainedAtMs, transitions: transitionsIn(kept), ...said };
    await this.#publish(data, tenant);
    shelf.told(zone, { number, cid: blob.cid, model: kept, publishedAtMs: clock.now() }, current?.cid);
    const what = verdict === 'publish' ? `a model of ${data.transitions} transitions` : 'no model any more: it foresaw badly';
    logger.info({ ...data }, `edges have ${what} for ${zone ?? 'the platform'}`);
  }

  async #publish(data: DraftOf<typeof prefetchModelPublished>['data'], tenant: string): Promise<void> {
    const producer = { id: leaseName, epoch: this.#lease?.epoch ?? 0n };
    await this.#deps.publish.facts.publish('zone', [prefetchModelPublished.draft(data)], { producer, tenant, signal: this.#stop.signal });
  }

  async #holds(): Promise<boolean> {
    const { leases, logger, publish } = this.#deps;
    if (this.#lease !== undefined && (await leases.renew(this.#lease, leaseTtlMs))) return true;
    // What another one learned meanwhile is in the rows.
    this.#lessons = new Lessons();
    this.#browse = undefined;
    const known = (): Promise<bigint> => publish.facts.knownEpoch('zone', [leaseName]);
    this.#lease = await acquireBeyond({ name: leaseName, owner: this.#init.owner, ttlMs: leaseTtlMs, known }, { leases, logger });
    if (this.#lease === undefined) return false;
    await publish.log.ensureTopic('zone', topicPartitions);
    return true;
  }
}
