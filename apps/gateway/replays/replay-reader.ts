import type { Principal } from '#domain/access';
import { replayAggregate, replayTable, type KnownReplay } from '#domain/operation';
import type { AggregateStore, BuildView, Clock, EventLog, ParkedEvent, ParkedEvents, ProjectionBuilds, ReadStore } from '#ports';
import { projections } from '#read-models';
import { isoTime } from '../http/fields.ts';
import { replayDetail, replayRow } from './replay.view.ts';

export interface ReplayReaderDeps {
  readonly log: EventLog;
  readonly reads: ReadStore;
  readonly builds: ProjectionBuilds;
  readonly aggregates: AggregateStore;
  readonly parked: ParkedEvents;
  readonly clock: Clock;
}

export interface Behind {
  readonly events: number;
  /** The one that lacks most, `topic/partition`. */
  readonly partition: string;
}

/** Which replays are listed; the newest of all when nothing is named. */
export interface ReplayListing {
  readonly projection?: string | undefined;
  readonly mode?: 'rebuild' | 'comparison' | undefined;
  readonly limit: number;
}

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly position: bigint;
}

/** Parked events of a projection that are looked at for the newest. */
const parkedMax = 1_000;

/** What the API shows of replays and of the read models that they rebuild. */
export class ReplayReader {
  readonly #deps: ReplayReaderDeps;
  /** How far each read model was when somebody last looked, for its pace. */
  readonly #seen = new Map<string, { readonly atMs: number; readonly events: number }>();

  constructor(deps: ReplayReaderDeps) {
    this.#deps = deps;
  }

  async state(id: string): Promise<KnownReplay | undefined> {
    return (await this.#deps.aggregates.load(replayAggregate.context, id))?.state as KnownReplay | undefined;
  }

  /** Replays of a projection that are being built. */
  async building(projection: string): Promise<readonly KnownReplay[]> {
    const open = await this.#deps.aggregates.find(replayAggregate.context, 'phase', 'open');
    return open
      .map(({ state }) => state as KnownReplay)
      .filter((one) => one.projection === projection && (one.status === 'requested' || one.status === 'running'));
  }

  async list({ projection, mode, limit }: ReplayListing): Promise<readonly object[]> {
    const where = Object.entries({ projection, mode }).flatMap(([column, value]) => (value === undefined ? [] : [{ column, is: 'eq', value } as const]));
    const rows = await this.#deps.reads.select(replayTable, { where, orderBy: [{ column: 'requested_at_ms', descending: true }], limit });
    const builds = new Map((await this.#deps.builds.list(projection)).map((build) => [build.id, build]));
    return rows.map((row) => replayRow(row, builds.get(String(row['replay_id']))));
  }

  async show(id: string, principal: Principal): Promise<object | undefined> {
    const state = await this.state(id);
    if (state === undefined) return undefined;
    const [row] = await this.#deps.reads.select(replayTable, { where: [{ column: 'replay_id', is: 'eq', value: id }], limit: 1 });
    const build = await this.#deps.builds.show(id);
    return replayDetail(state, row, build, build?.state === 'building' ? await this.behind(build) : null, principal);
  }

  /** How far a build is behind the log. */
  async behind(build: Pick<BuildView, 'positions'>): Promise<Behind | null> {
    const lacks = await this.#lacks(build.positions);
    const events = lacks.reduce((sum, { lack }) => sum + Number(lack), 0);
    const worst = lacks.reduce<(typeof lacks)[number] | undefined>((most, one) => (most === undefined || one.lack > most.lack ? one : most), undefined);
    return worst === undefined ? null : { events, partition: `${worst.place.topic}/${worst.place.partition}` };
  }

  async behindOf(id: string): Promise<Behind | null> {
    const build = await this.#deps.builds.show(id);
    return build === undefined ? null : this.behind(build);
  }

  async projections(): Promise<readonly object[]> {
    const { builds, clock } = this.#deps;
    const [versions, kept] = [await builds.versions(), (await builds.list()).filter(({ state }) => state === 'kept')];
    return Promise.all(
      projections.map(async ({ name, version: codeVersion, contexts, tables }) => {
        const mine = versions.filter(({ projection }) => projection === name);
        const version = mine.find((one) => one.serving)?.version ?? null;
        const [table] = tables;
        const checkpoints = version === null || table === undefined ? [] : (await this.#deps.reads.snapshot(name, table, { limit: 1 })).checkpoints;
        const lag = await this.#lagOf(checkpoints);
        return {
          ...{ name, version, codeVersion, versions: mine.map((one) => one.version), contexts },
          lagEvents: lag.events,
          lagSeconds: lag.oldestMs === null ? 0 : Math.max(0, clock.now() - lag.oldestMs) / 1000,
          eventsPerSecond: this.#paceOf(`${name}@${version}`, checkpoints),
          lastError: version === null ? null : await this.#lastErrorOf(name, version),
          kept: kept.filter(({ projection }) => projection === name).length,
        };
      }),
    );
  }

  /**
   * Events a second since somebody last looked here, all projectors together: checkpoints are theirs in common. Null at the
   * first look, and after one from less than half a second ago.
   */
  #paceOf(name: string, checkpoints: readonly Place[]): number | null {
    const atMs = this.#deps.clock.now();
    const events = checkpoints.reduce((sum, { position }) => sum + Number(position), 0);
    const before = this.#seen.get(name);
    if (before !== undefined && atMs - before.atMs < 500) return null;
    this.#seen.set(name, { atMs, events });
    return before === undefined ? null : Math.max(0, ((events - before.events) * 1000) / (atMs - before.atMs));
  }

  /** What a version could not take, as long as it stands parked: the newest of these. What was dealt with, or went with a model that was replaced, is over. */
  async #lastErrorOf(projection: string, version: number): Promise<object | null> {
    const standing = (await this.#deps.parked.list({ projection, limit: parkedMax })).filter((one) => one.version === version && !one.late);
    const newest = standing.reduce<ParkedEvent | undefined>((last, one) => (last === undefined || one.parkedAtMs >= last.parkedAtMs ? one : last), undefined);
    if (newest === undefined) return null;
    const { topic, partition, offset, eventId, failure, parkedAtMs } = newest;
    return { code: failure.code, message: failure.message, place: `${topic}/${partition}/${offset}`, eventId, at: isoTime(BigInt(parkedAtMs)) };
  }

  async #lagOf(checkpoints: readonly Place[]): Promise<{ readonly events: number; readonly oldestMs: number | null }> {
    const lacks = await this.#lacks(checkpoints);
    let oldestMs: number | null = null;
    for (const { place } of lacks) {
      const { records } = await this.#deps.log.read(place.topic, place.partition, place.position, { recordsMax: 1, bytesMax: 1, waitMs: 0 });
      const recordedAt = records[0]?.recordedAt;
      if (recordedAt !== undefined) oldestMs = Math.min(oldestMs ?? recordedAt, recordedAt);
    }
    return { events: lacks.reduce((sum, { lack }) => sum + Number(lack), 0), oldestMs };
  }

  async #lacks(places: readonly Place[]): Promise<ReadonlyArray<{ readonly place: Place; readonly lack: bigint }>> {
    const lacks: Array<{ readonly place: Place; readonly lack: bigint }> = [];
    for (const topic of new Set(places.map((place) => place.topic))) {
      const highs = new Map((await this.#deps.log.heads(topic)).map(({ partition, high }) => [partition, high]));
      for (const place of places.filter((one) => one.topic === topic)) {
        const lack = (highs.get(place.partition) ?? 0n) - place.position;
        if (lack > 0n) lacks.push({ place, lack });
      }
    }
    return lacks;
  }
}
