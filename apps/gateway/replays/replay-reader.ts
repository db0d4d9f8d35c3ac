import type { Principal } from '#domain/access';
import { heldBackNote, isHeldUp, replayAggregate, replayTable, type KnownReplay } from '#domain/operation';
import { hasCode } from '#kernel';
import type { AggregateStore, BuildView, Clock, EventLog, ParkedEvent, ParkedEvents, ProjectionBuilds, ReadStore } from '#ports';
import { projections } from '#read-models';
import { behindLogNote, type BehindLog } from '#runtime';
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

interface Lack {
  readonly place: Place;
  readonly lack: bigint;
  /** Where the log begins there. */
  readonly low: bigint;
}

/** Why a read model does not move, and the way out. */
interface Trouble {
  readonly code: string;
  readonly message: string;
}

interface Lag {
  readonly events: number;
  readonly oldestMs: number | null;
  readonly trouble: Trouble | null;
}

/** @throws what says nothing about the place: an engine that is away */
function troubleOf(error: unknown, place: BehindLog): Trouble {
  if (hasCode(error, 'OFFSET_OUT_OF_RANGE')) return { code: 'position-truncated', message: behindLogNote(place) };
  if (hasCode(error, 'SEALED_SEGMENT_DAMAGED')) return { code: 'sealed-segment-damaged', message: (error as Error).message };
  if (hasCode(error, 'LOG_HOLE')) return { code: 'log-hole', message: (error as Error).message };
  throw error;
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
    return (await this.#open()).filter((one) => one.projection === projection && (one.status === 'requested' || one.status === 'running'));
  }

  async #open(): Promise<readonly KnownReplay[]> {
    return (await this.#deps.aggregates.find(replayAggregate.context, 'phase', 'open')).map(({ state }) => state as KnownReplay);
  }

  /** Events of a projection's topics that were removed from the log. */
  async eventsGone(projection: string): Promise<number> {
    const { contexts = [] } = projections.find(({ name }) => name === projection) ?? {};
    const heads = await Promise.all(contexts.map((topic) => this.#deps.log.heads(topic)));
    return heads.flat().reduce((sum, { low }) => sum + Number(low), 0);
  }

  async list({ projection, mode, limit }: ReplayListing): Promise<readonly object[]> {
    const where = Object.entries({ projection, mode }).flatMap(([column, value]) => (value === undefined ? [] : [{ column, is: 'eq', value } as const]));
    const rows = await this.#deps.reads.select(replayTable, { where, orderBy: [{ column: 'requested_at_ms', descending: true }], limit });
    const builds = new Map((await this.#deps.builds.list(projection)).map((build) => [build.id, build]));
    const open = new Map((await this.#open()).map((state) => [state.replayId, state]));
    return rows.map((row) => {
      const id = String(row['replay_id']);
      return replayRow(row, builds.get(id), open.get(id));
    });
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
    const waiting = (await this.#open()).filter(isHeldUp);
    return Promise.all(
      projections.map(async ({ name, version: codeVersion, contexts, tables }) => {
        const mine = versions.filter(({ projection }) => projection === name);
        const version = mine.find((one) => one.serving)?.version ?? null;
        const [table] = tables;
        const checkpoints = version === null || table === undefined ? [] : (await this.#deps.reads.snapshot(name, table, { limit: 1 })).checkpoints;
        const lag = await this.#lagOf(name, checkpoints);
        const held = waiting.find(({ projection }) => projection === name);
        return {
          ...{ name, version, codeVersion, versions: mine.map((one) => one.version), contexts },
          lagEvents: lag.events,
          lagSeconds: lag.oldestMs === null ? 0 : Math.max(0, clock.now() - lag.oldestMs) / 1000,
          eventsPerSecond: this.#paceOf(`${name}@${version}`, checkpoints),
          trouble: lag.trouble,
          heldBack:
            held === undefined ? null : { id: held.replayId, version: held.projectionVersion, eventsGone: held.eventsGone ?? 0, message: heldBackNote(held) },
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

  /** A place that cannot be read is that read model's trouble, and no reason to say nothing of the others. */
  async #lagOf(projection: string, checkpoints: readonly Place[]): Promise<Lag> {
    const lacks = await this.#lacks(checkpoints);
    let oldestMs: number | null = null;
    let trouble: Trouble | null = null;
    for (const { place, low } of lacks) {
      // One that has taken nothing yet begins where the log does.
      if (place.position === 0n && low > 0n) continue;
      try {
        const { records } = await this.#deps.log.read(place.topic, place.partition, place.position, { recordsMax: 1, bytesMax: 1, waitMs: 0 });
        const recordedAt = records[0]?.recordedAt;
        if (recordedAt !== undefined) oldestMs = Math.min(oldestMs ?? recordedAt, recordedAt);
      } catch (error) {
        trouble ??= troubleOf(error, { projection, ...place, low });
      }
    }
    return { events: lacks.reduce((sum, { lack }) => sum + Number(lack), 0), oldestMs, trouble };
  }

  async #lacks(places: readonly Place[]): Promise<readonly Lack[]> {
    const lacks: Lack[] = [];
    for (const topic of new Set(places.map((place) => place.topic))) {
      const heads = new Map((await this.#deps.log.heads(topic)).map((head) => [head.partition, head]));
      for (const place of places.filter((one) => one.topic === topic)) {
        const { low, high } = heads.get(place.partition) ?? { low: 0n, high: 0n };
        const lack = high - place.position;
        if (lack > 0n) lacks.push({ place, lack, low });
      }
    }
    return lacks;
  }
}
