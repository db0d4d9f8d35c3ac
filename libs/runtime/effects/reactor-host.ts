import { createHash } from 'node:crypto';
import { topicPartitions } from '#events';
import type { AggregateStore, EffectStore, EventLog, Lease, LeaseStore, ReactorPosition, ReactorStart } from '#ports';
import type { Parking } from '../consumer/parking.ts';
import { fairShare } from '../consumer/fair-share.ts';
import type { Logger } from '../logging.ts';
import { pause } from '../pause.ts';
import type { Health } from '../telemetry/health.ts';
import { ReactorLoop } from './reactor-loop.ts';
import type { BoundReactor } from './reactor-task.ts';

export interface ReactorHostInit {
  readonly reactors: readonly BoundReactor[];
  /** Unique among living hosts and stable over restarts. */
  readonly owner: string;
  readonly leaseTtlMs?: number;
  readonly renewIntervalMs?: number;
}

export interface ReactorHostDeps {
  readonly log: EventLog;
  readonly leases: LeaseStore;
  readonly effects: EffectStore;
  /** Where resets are ordered; without it there are none. */
  readonly aggregates?: AggregateStore;
  readonly logger: Logger;
  readonly health?: Health;
  readonly parking?: Parking;
  /** Told that there is something to perform. */
  readonly onIntents?: () => void;
}

/** A reactor's partitions of one topic: what one lease covers. */
interface Group {
  readonly name: string;
  readonly bound: BoundReactor;
  readonly topic: string;
}

interface Held {
  readonly group: Group;
  readonly lease: Lease;
  readonly loops: readonly ReactorLoop[];
  /** The last reset that it began after; undefined before anybody looked. */
  reset: number | undefined;
}

/** What a head says of resets. */
interface ResetOrder {
  readonly number?: number;
  readonly from?: 'beginning' | 'end' | 'time';
  readonly fromMs?: number | null;
}

const hostPrefix = 'reactor-host/';
const groupPrefix = 'reactor/';

/**
 * Runs reactors over the log. Hosts share the groups through leases; intents and checkpoint move together, so that a host
 * may be killed at any moment and no intent is lost or written twice. A reactor begins at the end of the log; a greater
 * version goes on where the smaller one stood, partition by partition, and the smaller one can write nothing there any more.
 */
export class ReactorHost {
  readonly #init: Required<ReactorHostInit>;
  readonly #deps: ReactorHostDeps;
  /** Hosts of one release share among themselves: those of another do not know their reactors. */
  readonly #hostPrefix: string;
  readonly #held = new Map<string, Held>();
  readonly #superseded = new Set<string>();
  readonly #stop = new AbortController();
  /** By reactor: it stands at events that the log no longer holds. */
  #behindLog: ReadonlyMap<string, string> = new Map();
  #membership: Lease | undefined;
  #begun = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(init: ReactorHostInit, deps: ReactorHostDeps) {
    this.#init = { leaseTtlMs: 6000, renewIntervalMs: 2000, ...init };
    this.#deps = deps;
    const versions = init.reactors.map(({ reactor }) => `${reactor.name}@${reactor.version}`).sort();
    this.#hostPrefix = `${hostPrefix}${createHash('sha256').update(versions.join()).digest('hex').slice(0, 12)}/`;
    deps.health?.remark('events that are gone to reactors', () => [...this.#behindLog.values()]);
  }

  /** Names of the leases held. */
  get held(): readonly string[] {
    return [...this.#held.keys()];
  }

  /** Partitions that stand still because something fails, by reactor. */
  get failing(): ReadonlyMap<string, number> {
    const counts = new Map(this.#init.reactors.map(({ reactor }) => [reactor.name, 0]));
    for (const { group, loops } of this.#held.values()) {
      const { name } = group.bound.reactor;
      counts.set(name, (counts.get(name) ?? 0) + loops.filter(({ failing }) => failing).length);
    }
    return counts;
  }

  async start(): Promise<void> {
    const topics = new Set(this.#init.reactors.flatMap(({ reactor }) => reactor.contexts));
    for (const topic of topics) await this.#deps.log.ensureTopic(topic, topicPartitions);
    await this.#round();
    this.#loop = this.#run();
  }

  /** Writes how far each partition was read and gives everything back. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await Promise.all([...this.#held.values()].map((held) => this.#giveBack(held)));
    if (this.#membership !== undefined) await this.#deps.leases.release(this.#membership);
  }

  async #run(): Promise<void> {
    const { renewIntervalMs } = this.#init;
    const heart = this.#deps.health?.loop('reactor leases', renewIntervalMs);
    for (;;) {
      heart?.beat();
      await pause(renewIntervalMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return heart?.end();
      await this.#round();
    }
  }

  async #round(): Promise<void> {
    try {
      if (!this.#begun) await this.#begin();
      await this.#balance();
      const places = await this.#deps.effects.positions();
      await this.#stepAside(places);
      await this.#carryOutResets(places);
      this.#lookBehind();
    } catch (err) {
      this.#deps.logger.warn({ err }, 'reactors are not shared out; trying again');
    }
  }

  /** Said once, and not at every try: doctor shows it for as long as it is so. */
  #lookBehind(): void {
    const behind = new Map<string, string>();
    for (const { group, loops } of this.#held.values()) {
      const note = loops.find((loop) => loop.behindLog !== undefined)?.behindLog;
      const { name } = group.bound.reactor;
      if (note !== undefined && !behind.has(name)) behind.set(name, note);
    }
    for (const [reactor, note] of behind) if (!this.#behindLog.has(reactor)) this.#deps.logger.error({ reactor }, note);
    this.#behindLog = behind;
  }

  /** Whoever never ran begins at the end: what happened before is over. */
  async #begin(): Promise<void> {
    const { effects } = this.#deps;
    for (const { reactor } of this.#init.reactors) await effects.begin(reactor, await this.#starts(reactor.contexts, 'end'));
    this.#begun = true;
  }

  async #starts(topics: readonly string[], from: 'beginning' | 'end' | number): Promise<readonly ReactorStart[]> {
    const { log } = this.#deps;
    const starts = topics.map(async (topic) => {
      const heads = await log.heads(topic);
      return Promise.all(
        heads.map(async ({ partition, low, high }) => {
          const position = from === 'beginning' ? low : from === 'end' ? high : await log.offsetAt(topic, partition, from);
          return { topic, partition, position };
        }),
      );
    });
    return (await Promise.all(starts)).flat();
  }

  #groups(): readonly Group[] {
    return this.#init.reactors.flatMap((bound) =>
      bound.reactor.contexts
        .map((topic) => ({ name: `${groupPrefix}${bound.reactor.name}@${bound.reactor.version}/${topic}`, bound, topic }))
        .filter(({ name }) => !this.#superseded.has(name)),
    );
  }

  async #balance(): Promise<void> {
    const { leases, logger } = this.#deps;
    await this.#renew();
    const hosts = (await leases.list(this.#hostPrefix)).filter((lease) => !lease.expired).map((lease) => lease.owner);
    const groups = new Map(this.#groups().map((group) => [group.name, group]));
    for (const held of this.#held.values()) if (!groups.has(held.group.name)) await this.#giveBack(held);
    const share = fairShare({
      all: [...groups.keys()],
      self: this.#init.owner,
      hosts,
      held: new Set(this.#held.keys()),
      leases: await leases.list(groupPrefix),
    });
    await Promise.all(share.give.map((name) => this.#giveBack(this.#held.get(name) as Held)));
    for (const name of share.take) await this.#take(groups.get(name) as Group);
    if (share.give.length + share.take.length > 0) logger.info({ held: this.#held.size, of: groups.size }, 'reactors were shared out');
  }

  async #renew(): Promise<void> {
    const { leases, logger } = this.#deps;
    const { owner, leaseTtlMs } = this.#init;
    if (this.#membership === undefined || !(await leases.renew(this.#membership, leaseTtlMs))) {
      this.#membership = await leases.acquire(`${this.#hostPrefix}${owner}`, owner, leaseTtlMs);
    }
    const held = [...this.#held.values()];
    const kept = await leases.renewAll(
      held.map(({ lease }) => lease),
      leaseTtlMs,
    );
    held.forEach((one, at) => {
      if (kept[at] === true) return;
      this.#held.delete(one.group.name);
      logger.warn({ lease: one.group.name }, `lost the lease ${one.group.name}`);
      for (const loop of one.loops) void loop.stop();
    });
  }

  async #take(group: Group): Promise<void> {
    const { leases, log, effects, parking, logger, onIntents } = this.#deps;
    const { owner, leaseTtlMs } = this.#init;
    const lease = await leases.acquire(group.name, owner, leaseTtlMs);
    if (lease === undefined) return;
    const { bound, topic } = group;
    const loops = Array.from(
      { length: topicPartitions },
      (_, partition) =>
        new ReactorLoop({
          ...{ bound, at: { topic, partition }, epoch: lease.epoch, log, effects, parking },
          logger: logger.child({ reactor: bound.reactor.name }),
          onIntents: () => onIntents?.(),
          stillOurs: () => leases.renew(lease, leaseTtlMs),
          onSuperseded: () => this.#supersede(group),
        }),
    );
    this.#held.set(group.name, { group, lease, loops, reset: undefined });
  }

  /** Given back at the next round: this one may be in the middle of it. */
  #supersede({ name, bound }: Group): void {
    if (this.#superseded.has(name)) return;
    this.#superseded.add(name);
    this.#deps.logger.info({ reactor: bound.reactor.name, version: bound.reactor.version }, 'a newer version of the reactor has taken over');
  }

  /**
   * Somebody who waits for events does not notice that its checkpoint is another's by now, or elsewhere: groups of a version
   * that was succeeded are left to the newer one, those that were reset since this host took them are taken anew.
   */
  async #stepAside(places: readonly ReactorPosition[]): Promise<void> {
    for (const held of [...this.#held.values()]) {
      const { bound, topic } = held.group;
      const mine = places.filter((place) => place.reactor === bound.reactor.name && place.topic === topic);
      const reset = Math.max(0, ...mine.map((place) => place.reset));
      if (mine.some(({ version }) => version > bound.reactor.version)) this.#supersede(held.group);
      else if (held.reset === undefined) held.reset = reset;
      else if (held.reset < reset) await this.#giveBack(held);
    }
  }

  async #giveBack({ group, lease, loops }: Held): Promise<void> {
    await Promise.all(loops.map((loop) => loop.stop()));
    this.#held.delete(group.name);
    await this.#deps.leases.release(lease);
  }

  /** Once per number, however many hosts see the order. */
  async #carryOutResets(places: readonly ReactorPosition[]): Promise<void> {
    const { aggregates, effects, logger } = this.#deps;
    if (aggregates === undefined) return;
    for (const name of new Set([...this.#held.values()].map(({ group }) => group.bound.reactor.name))) {
      const { number = 0, from = 'end', fromMs } = ((await aggregates.load('operation', name))?.state ?? {}) as ResetOrder;
      const mine = places.filter((place) => place.reactor === name);
      if (mine.every(({ reset }) => reset >= number)) continue;
      const place = from === 'time' ? (fromMs ?? 0) : from;
      await effects.reset(name, number, await this.#starts([...new Set(mine.map(({ topic }) => topic))], place));
      logger.info({ reactor: name, from: place, number }, 'a reactor reads from elsewhere now, as it was told');
    }
  }
}
