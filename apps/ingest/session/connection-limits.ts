import { sourceNetwork } from '#core/network';
import type { IngestLimits } from '../ingest.config.ts';

interface Place {
  readonly name: string;
  readonly source: Source;
  readonly sinceMs: number;
  readonly giveWay: () => void;
  isFree: boolean;
}

interface Source {
  connections: number;
  /** Those that have published nothing yet, the oldest first. */
  readonly unpublished: Set<Place>;
}

/** What one connection counts for; each of the two is called at most once to effect. */
export interface ConnectionSlot {
  published(): void;
  closed(): void;
}

/**
 * Counts connections, in all and by where they come from, so that nobody takes every place: an address of IPv4, a network of 64 bits of
 * IPv6, which is what one host may have. Where places are used up, one that has published nothing gives way: of the source that has the
 * most of them, or the newcomer's own, once it has had time to publish.
 */
export class ConnectionLimits {
  readonly #limits: IngestLimits;
  readonly #sources = new Map<string, Source>();
  #connections = 0;
  #unpublished = 0;

  constructor(limits: IngestLimits) {
    this.#limits = limits;
  }

  get connections(): number {
    return this.#connections;
  }

  /**
   * Undefined when there is no room.
   * @param giveWay ends the connection, which does not count any more
   */
  enter(address: string, nowMs: number, giveWay: () => void): ConnectionSlot | undefined {
    const name = sourceNetwork(address);
    const source = this.#sources.get(name) ?? { connections: 0, unpublished: new Set() };
    if (!this.#hasRoomOf(source, nowMs) || !this.#hasRoomFor(source)) return undefined;
    this.#sources.set(name, source);
    const place: Place = { name, source, sinceMs: nowMs, giveWay, isFree: false };
    source.unpublished.add(place);
    source.connections++;
    this.#connections++;
    this.#unpublished++;
    return { published: () => this.#published(place), closed: () => this.#free(place) };
  }

  #hasRoomOf(source: Source, nowMs: number): boolean {
    const { connectionsPerAddressMax, unpublishedKeptMs, unpublishedPerAddressMax } = this.#limits;
    if (source.connections < connectionsPerAddressMax && source.unpublished.size < unpublishedPerAddressMax) return true;
    const [oldest] = source.unpublished;
    if (oldest === undefined || nowMs - oldest.sinceMs < unpublishedKeptMs) return false;
    this.#end(oldest);
    return true;
  }

  /** Who has many gives way to who has fewer, however young its connections are. */
  #hasRoomFor(source: Source): boolean {
    const { connectionsMax, unpublishedMax } = this.#limits;
    if (this.#connections < connectionsMax && this.#unpublished < unpublishedMax) return true;
    let most = source;
    for (const other of this.#sources.values()) if (other.unpublished.size > most.unpublished.size) most = other;
    const [oldest] = most.unpublished;
    if (most === source || oldest === undefined) return false;
    this.#end(oldest);
    return true;
  }

  #end(place: Place): void {
    this.#free(place);
    place.giveWay();
  }

  #published(place: Place): void {
    if (place.source.unpublished.delete(place)) this.#unpublished--;
  }

  #free(place: Place): void {
    if (place.isFree) return;
    place.isFree = true;
    this.#published(place);
    this.#connections--;
    if (--place.source.connections === 0) this.#sources.delete(place.name);
  }
}
