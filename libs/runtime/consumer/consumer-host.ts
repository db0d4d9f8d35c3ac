import { createHash } from 'node:crypto';
import { topicPartitions, type DomainEvent } from '#events';
import type { Projection } from '#kernel';
import type { EventLog, Lease, LeaseStore, ProjectionStore, ReadLimits, Timers } from '#ports';
import type { Logger } from '../logging.ts';
import { pause, systemTimers, withTimeout } from '../pause.ts';
import type { Health } from '../telemetry/health.ts';
import { fairShare } from './fair-share.ts';
import { GroupCommitter } from './group-committer.ts';
import { HeldGroup } from './held-group.ts';
import { groupLeasePrefix, leaseGroups, type LeaseGroup } from './lease-group.ts';
import type { Parking } from './parking.ts';
import type { Poison } from './poison/poison.ts';
import { StallWatch } from './stall-watch.ts';

export interface ConsumerHostDeps {
  readonly log: EventLog;
  readonly leases: LeaseStore;
  readonly store: ProjectionStore;
  readonly logger: Logger;
  readonly health?: Health;
  /** Where records go that can never be read; without one they stop their partition. */
  readonly parking?: Parking;
  /** With it, an event that a projection cannot take is parked, and its key's successors wait behind it; without it, it stops its partition. */
  readonly poison?: Poison;
  /** Real ones when left out. */
  readonly timers?: Timers;
}

export interface ConsumerHostInit {
  readonly projections: readonly Projection<DomainEvent>[];
  /** Unique among living hosts and stable over restarts: a host that comes back takes over from itself at once. */
  readonly owner: string;
  readonly leaseTtlMs?: number;
  /** Between renewals; the partitions of a host that died are taken over after at most `leaseTtlMs` + this. */
  readonly renewIntervalMs?: number;
  /** How long a partition with work may stand still before its task is started anew, ms. */
  readonly stallMs?: number;
  /** Transactions of a projection under way at once. */
  readonly commitsMax?: number;
  /** How long an event waits for others to share its transaction, ms. */
  readonly lingerMs?: number;
  /** How long a checkpoint that moves over events which change no row waits for one that does, ms; a twentieth of `stallMs` by default. */
  readonly noteMs?: number;
  readonly limits?: ReadLimits;
  /** Records folded ahead of the database, per partition. */
  readonly readAheadMax?: number;
  /** Between two looks at what was asked for parked events, ms. */
  readonly ordersEveryMs?: number;
}

const defaults = {
  leaseTtlMs: 6000,
  renewIntervalMs: 2000,
  stallMs: 10000,
  commitsMax: 2,
  lingerMs: 5,
  limits: { recordsMax: 1000, bytesMax: 4 * 1024 * 1024, waitMs: 5000 },
  readAheadMax: 4000,
  ordersEveryMs: 1000,
};

/** Records that make a transaction worth while at once. */
const recordsEnough = 2000;

const hostLeasePrefix = 'consumer-host/';
/** How soon a host that holds less than its share looks again. */
const hungryIntervalMs = 400;
const ordersTimeoutMs = 15000;

/**
 * Runs projections over the log. Hosts share the partitions evenly through leases; rows and checkpoint move together, so
 * that a host may be killed, paused or cut off at any moment, and another one goes on exactly where it stood.
 */
export class ConsumerHost {
  readonly #init: ConsumerHostInit & typeof defaults;
  readonly #deps: ConsumerHostDeps & { readonly timers: Timers };
  #groups: ReadonlyMap<string, LeaseGroup> = new Map();
  /** Versions that have no tables yet: another one serves until they are built. */
  #waiting: readonly Projection<DomainEvent>[];
  #admitted = false;
  readonly #held = new Map<string, HeldGroup>();
  readonly #committers: ReadonlyMap<string, GroupCommitter>;
  readonly #stop = new AbortController();
  #membership: Lease | undefined;
  #loops: Promise<unknown> = Promise.resolve();

  constructor(init: ConsumerHostInit, deps: ConsumerHostDeps) {
    this.#init = { ...defaults, ...init };
    this.#deps = { timers: systemTimers, ...deps };
    this.#waiting = init.projections;
    const { commitsMax, lingerMs, stallMs, noteMs = stallMs / 20 } = this.#init;
    this.#committers = new Map(
      init.projections.map((projection) => [
        projection.name,
        new GroupCommitter({ projection, store: deps.store, timers: this.#deps.timers, commitsMax, lingerMs, noteMs, recordsEnough }),
      ]),
    );
  }

  /** Whether a version has no tables yet, and another one serves. */
  get waits(): boolean {
    return this.#admitted && this.#waiting.length > 0;
  }

  /** Names of the leases held. */
  get held(): readonly string[] {
    return [...this.#held.keys()];
  }

  /** What is held, group by group, and the loops that work on it. */
  get groups(): readonly HeldGroup[] {
    return [...this.#held.values()];
  }

  /** Creates what is missing, takes a first share, and goes on in the background. */
  async start(): Promise<void> {
    const { projections } = this.#init;
    for (const topic of new Set(projections.flatMap(({ contexts }) => contexts))) await this.#deps.log.ensureTopic(topic, topicPartitions);
    const waitMs = await this.#balance();
    this.#loops = Promise.all([this.#keepBalance(waitMs), this.#keepWatch(), this.#keepOrders()]);
  }

  /** Commits what was read and gives everything back, so that others need not wait for leases to expire. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loops;
    await Promise.all([...this.#held.values()].map((held) => this.#giveBack(held)));
    const membership = this.#membership;
    this.#membership = undefined;
    if (membership !== undefined) await this.#deps.leases.release(membership);
  }

  async #keepBalance(firstWaitMs: number): Promise<void> {
    let waitMs = firstWaitMs;
    const heart = this.#deps.health?.loop('partition leases', this.#init.renewIntervalMs);
    for (;;) {
      heart?.beat();
      await pause(waitMs, this.#stop.signal, this.#deps.timers);
      if (this.#stop.signal.aborted) return heart?.end();
      try {
        waitMs = await this.#balance();
      } catch (err) {
        this.#deps.logger.warn({ err }, 'the lease store does not answer; trying again');
        waitMs = this.#init.renewIntervalMs / 2;
      }
    }
  }

  /** Renews, gives back what is too much, takes what is missing; answers when to look again, ms. */
  async #balance(): Promise<number> {
    const { leases } = this.#deps;
    if (this.#waiting.length > 0) await this.#admit();
    await this.#renew();
    const hosts = (await leases.list(this.#peers)).filter((lease) => !lease.expired).map((lease) => lease.owner);
    const share = fairShare({
      all: [...this.#groups.keys()],
      self: this.#init.owner,
      hosts,
      held: new Set(this.#held.keys()),
      leases: await leases.list(groupLeasePrefix),
    });
    await Promise.all(share.give.map((name) => this.#giveBack(this.#held.get(name) as HeldGroup)));
    for (const name of share.take) await this.#take(this.#groups.get(name) as LeaseGroup);
    if (share.give.length + share.take.length > 0) {
      this.#deps.logger.info(
        { held: this.#held.size, of: this.#groups.size, hosts: hosts.length },
        `holding ${this.#held.size} of ${this.#groups.size} partition groups`,
      );
    }
    return this.#held.size < share.count ? Math.min(hungryIntervalMs, this.#init.renewIntervalMs) : this.#init.renewIntervalMs;
  }

  /**
   * What the memberships of those begin with that run the same versions. A host of another release, which may not know what
   * we would leave to it, has no share: between two releases whoever holds a partition keeps it until it ends.
   */
  get #peers(): string {
    return `${hostLeasePrefix}${createHash('sha256')
      .update([...this.#groups.keys()].sort().join('\n'))
      .digest('hex')
      .slice(0, 16)}/`;
  }

  /** Takes in the versions that have tables by now. */
  async #admit(): Promise<void> {
    const waiting: Projection<DomainEvent>[] = [];
    const known = this.#admitted ? this.#waiting.length : -1;
    for (const projection of this.#waiting) if (!(await this.#deps.store.ensure(projection))) waiting.push(projection);
    this.#waiting = waiting;
    this.#admitted = true;
    const admitted = this.#init.projections.filter((projection) => !waiting.includes(projection));
    this.#groups = new Map(leaseGroups(admitted).map((group) => [group.name, group]));
    // Some wait until an operator decides: that is said when it changes.
    if (waiting.length > 0 && waiting.length !== known)
      this.#deps.logger.info(
        { waiting: waiting.map(({ name, version }) => `${name}@${version}`) },
        'versions are being built; the ones before serve meanwhile',
      );
  }

  async #renew(): Promise<void> {
    const { leases } = this.#deps;
    const { owner, leaseTtlMs } = this.#init;
    const name = `${this.#peers}${owner}`;
    if (this.#membership !== undefined && this.#membership.name !== name) await leases.release(this.#membership);
    if (this.#membership?.name !== name || !(await leases.renew(this.#membership, leaseTtlMs))) {
      this.#membership = await leases.acquire(name, owner, leaseTtlMs);
    }
    const held = [...this.#held.values()];
    const kept = await leases.renewAll(
      held.map(({ lease }) => lease),
      leaseTtlMs,
    );
    held.forEach((one, at) => {
      if (kept[at] !== true) this.#drop(one);
    });
  }

  async #take(group: LeaseGroup): Promise<void> {
    const { owner, leaseTtlMs, limits, readAheadMax } = this.#init;
    const lease = await this.#deps.leases.acquire(group.name, owner, leaseTtlMs);
    if (lease === undefined) return;
    this.#held.set(
      group.name,
      new HeldGroup(
        { group, lease, leaseTtlMs, limits, readAheadMax },
        { ...this.#deps, committer: this.#committers.get(group.projection.name) as GroupCommitter },
      ),
    );
  }

  async #giveBack(held: HeldGroup): Promise<void> {
    await held.stop();
    this.#held.delete(held.group.name);
    await held.release();
  }

  /** The lease is somebody else's: nothing of ours can be committed any more, and nothing needs to be. */
  #drop(held: HeldGroup): void {
    this.#held.delete(held.group.name);
    this.#deps.logger.warn({ lease: held.group.name }, `lost the lease ${held.group.name}`);
    void held.stop();
  }

  /** Hands what was asked for parked events to those who hold their partitions. */
  async #keepOrders(): Promise<void> {
    const { poison, timers, logger } = this.#deps;
    while (poison !== undefined) {
      await pause(this.#init.ordersEveryMs, this.#stop.signal, timers);
      if (this.#stop.signal.aborted) return;
      try {
        for (const event of await withTimeout(poison.parked.ordered(), ordersTimeoutMs, 'STORE_TIMEOUT', timers))
          for (const { group, loops } of this.#held.values())
            if (group.projection.name === event.projection && group.projection.version === event.version)
              loops.find(({ at }) => at.topic === event.topic && at.partition === event.partition)?.order(event);
      } catch (err) {
        logger.warn({ err }, 'what was asked for parked events is not known');
      }
    }
  }

  async #keepWatch(): Promise<void> {
    const watch = new StallWatch(this.#deps.log, this.#deps.store);
    for (;;) {
      await pause(this.#init.stallMs / 4, this.#stop.signal, this.#deps.timers);
      if (this.#stop.signal.aborted) return;
      try {
        const loops = [...this.#held.values()].flatMap((held) => held.loops);
        for (const loop of await watch.look(loops)) {
          this.#deps.logger.error({ ...loop.at, position: String(loop.position) }, 'a partition has work and does not move; starting it anew');
          loop.restart();
        }
        for (const loop of await watch.setBack(loops)) {
          this.#deps.logger.info({ ...loop.at, projection: loop.projection.name }, 'the checkpoint was set back; starting again from there');
          loop.restart();
        }
      } catch (err) {
        this.#deps.logger.warn({ err }, 'log or store do not tell where they stand');
      }
    }
  }
}
