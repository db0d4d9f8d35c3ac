import type { Clock, EventLog } from '#ports';
import type { Logger } from '../logging.ts';
import { pause } from '../pause.ts';
import { ObservedEventLog } from '../telemetry/observed/observed-event-log.ts';
import { metrics } from '../telemetry/metrics/metrics.constants.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { behindLogNote } from './behind-log.ts';
import type { HeldGroup } from './held-group.ts';
import type { PartitionLoop } from './partition-loop.ts';

export interface ConsumerLagInit {
  /** Between two looks, ms. */
  readonly lookEveryMs: number;
  /** How long a partition with work may stand still without having failed, ms. */
  readonly stallMs: number;
}

export interface ConsumerLagDeps {
  readonly host: { readonly groups: readonly HeldGroup[] };
  readonly log: EventLog;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
  /** New versions that wait for somebody to decide, each in a few words. */
  readonly heldBack?: () => Promise<readonly string[]>;
}

interface Standing {
  readonly position: bigint | undefined;
  readonly since: number;
  readonly behind: bigint;
}

interface Ends {
  readonly low: bigint;
  readonly high: bigint;
}

interface GroupLag {
  readonly projection: string;
  readonly topic: string;
  readonly group: string;
  readonly events: number;
  readonly seconds: number;
}

/**
 * Looks now and then how far each partition that this process holds is behind the log, and whether those that have work
 * move. What it finds is shown as metrics, and a partition that stands still makes `/healthz` fail.
 */
export class ConsumerLag {
  readonly #init: ConsumerLagInit;
  readonly #deps: ConsumerLagDeps;
  readonly #stop = new AbortController();
  #standing = new Map<PartitionLoop, Standing>();
  #lags: readonly GroupLag[] = [];
  /** By read model: it stands at events that the log no longer holds. */
  #behindLog: ReadonlyMap<string, string> = new Map();
  #heldBack: readonly string[] = [];
  #running: Promise<void> = Promise.resolve();

  constructor(init: ConsumerLagInit, deps: ConsumerLagDeps) {
    this.#init = init;
    this.#deps = deps;
    const { health, meter } = deps.telemetry;
    health.movement('partitions', () => this.#stalled());
    health.remark('events that are gone', () => [...this.#behindLog.values()]);
    health.remark('versions that wait', () => this.#heldBack);
    const [events, seconds, failing] = [meter.gauge(metrics.lagEvents), meter.gauge(metrics.lagSeconds), meter.gauge(metrics.failingPartitions)];
    const [keys, held, age] = [meter.gauge(metrics.blockedKeys), meter.gauge(metrics.heldEvents), meter.gauge(metrics.blockedSeconds)];
    meter.onCollect('consumer lag', () => {
      for (const gauge of [events, seconds, failing, keys, held, age]) gauge.clear();
      for (const lag of this.#lags) {
        const labels = { projection: lag.projection, topic: lag.topic, group: lag.group };
        events.set(lag.events, labels);
        seconds.set(lag.seconds, labels);
      }
      for (const [projection, count] of failingOf(deps.host.groups)) failing.set(count, { projection });
      for (const [projection, blocked] of blockedOf(deps.host.groups)) {
        keys.set(blocked.keys, { projection });
        held.set(blocked.held, { projection });
        age.set(blocked.oldestMs === Infinity ? 0 : Math.max(0, deps.clock.now() - blocked.oldestMs) / 1000, { projection });
      }
    });
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const heart = this.#deps.telemetry.health.loop('lag watch', this.#init.lookEveryMs);
    while (!this.#stop.signal.aborted) {
      heart.beat();
      try {
        await this.look();
        this.#heldBack = (await this.#deps.heldBack?.()) ?? [];
      } catch (err) {
        this.#deps.logger.debug({ err }, 'the log does not tell where it stands');
      }
      await pause(this.#init.lookEveryMs, this.#stop.signal);
    }
    heart.end();
  }

  /** One look at everything that is held. */
  async look(): Promise<void> {
    const groups = this.#deps.host.groups;
    const ends = await this.#ends(new Set(groups.flatMap(({ loops }) => loops.map(({ at }) => at.topic))));
    const standing = new Map<PartitionLoop, Standing>();
    const behindLog = new Map<string, string>();
    const lags: GroupLag[] = [];
    for (const { group, loops } of groups) {
      let [events, oldestMs] = [0n, Infinity];
      for (const loop of loops) {
        const { low, high } = ends.get(placeOf(loop)) ?? { low: 0n, high: 0n };
        const behind = behindOf(loop, high);
        standing.set(loop, this.#standingOf(loop, behind));
        if (behind === 0n || loop.position === undefined) continue;
        events += behind;
        const { position } = loop;
        // One that has taken nothing yet begins there.
        if (position === 0n && low > 0n) continue;
        if (position < low) {
          behindLog.set(group.projection.name, behindLogNote({ projection: group.projection.name, ...loop.at, position, low }));
          continue;
        }
        oldestMs = Math.min(oldestMs, await this.#recordedAt(loop, position));
      }
      const now = this.#deps.clock.now();
      const [first, last] = [loops[0]?.at, loops.at(-1)?.at];
      lags.push({
        ...{ projection: group.projection.name, topic: first?.topic ?? '', group: `${first?.partition}-${last?.partition}` },
        ...{ events: Number(events), seconds: oldestMs === Infinity ? 0 : Math.max(0, now - oldestMs) / 1000 },
      });
    }
    this.#standing = standing;
    this.#lags = lags;
    // Once, and not at every look: doctor shows it for as long as it is so.
    for (const [projection, note] of behindLog) if (!this.#behindLog.has(projection)) this.#deps.logger.error({ projection }, note);
    this.#behindLog = behindLog;
  }

  async #ends(topics: ReadonlySet<string>): Promise<ReadonlyMap<string, Ends>> {
    const ends = new Map<string, Ends>();
    for (const topic of topics) for (const { partition, low, high } of await this.#deps.log.heads(topic)) ends.set(`${topic}/${partition}`, { low, high });
    return ends;
  }

  /** A failure is known, and tried again with back-off: the clock of standing still starts again. */
  #standingOf(loop: PartitionLoop, behind: bigint): Standing {
    const before = this.#standing.get(loop);
    const stands = before !== undefined && before.position === loop.position && behind > 0n && !loop.failing;
    return { position: loop.position, since: stands ? before.since : performance.now(), behind };
  }

  async #recordedAt({ at }: PartitionLoop, position: bigint): Promise<number> {
    const { log, clock } = this.#deps;
    const known = log instanceof ObservedEventLog ? log.recordedAt(at.topic, at.partition, position) : undefined;
    if (known !== undefined) return known;
    const { records } = await log.read(at.topic, at.partition, position, { recordsMax: 1, bytesMax: 1, waitMs: 0 });
    return records[0]?.recordedAt ?? clock.now();
  }

  #stalled(): string | undefined {
    const now = performance.now();
    const stalled = [...this.#standing].filter(([, { since, behind }]) => behind > 0n && now - since > this.#init.stallMs);
    const [first] = stalled;
    if (first === undefined) return undefined;
    const [{ projection, at }, { since, behind }] = first;
    const others = stalled.length > 1 ? ` (and ${stalled.length - 1} more)` : '';
    return `${projection.name} has stood still on ${at.topic}/${at.partition} for ${Math.round((now - since) / 1000)} s, ${behind} behind${others}`;
  }
}

function placeOf({ at }: PartitionLoop): string {
  return `${at.topic}/${at.partition}`;
}

function behindOf(loop: PartitionLoop, high: bigint): bigint {
  // A partition that has no position yet waits for its checkpoint: everything is before it.
  const behind = high - (loop.position ?? 0n);
  return behind > 0n ? behind : 0n;
}

function failingOf(groups: readonly HeldGroup[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { group, loops } of groups) {
    const { name } = group.projection;
    counts.set(name, (counts.get(name) ?? 0) + loops.filter(({ failing }) => failing).length);
  }
  return counts;
}

interface BlockedSum {
  readonly keys: number;
  readonly held: number;
  readonly oldestMs: number;
}

function blockedOf(groups: readonly HeldGroup[]): ReadonlyMap<string, BlockedSum> {
  const sums = new Map<string, BlockedSum>();
  for (const { group, loops } of groups) {
    for (const { blocked } of loops) {
      const { keys, held, oldestMs } = sums.get(group.projection.name) ?? { keys: 0, held: 0, oldestMs: Infinity };
      const oldest = Math.min(oldestMs, blocked?.oldestMs ?? Infinity);
      sums.set(group.projection.name, { keys: keys + (blocked?.size ?? 0), held: held + (blocked?.held ?? 0), oldestMs: oldest });
    }
  }
  return sums;
}
