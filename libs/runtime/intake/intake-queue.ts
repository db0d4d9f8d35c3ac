import type { AdmittedEvent } from '#events';
import type { Person } from '../personal/subject-keys.ts';
import type { PublicationKey } from './publication-key.ts';
import type { PublishOutcome } from './event-intake.ts';

/** An event on its way to the log. */
export interface Entry extends PublicationKey {
  readonly event: AdmittedEvent;
  readonly digest: bigint;
  /** When it tells of somebody: whom, and the digest by which such content was remembered before it was bound to the subject's key. */
  readonly about?: Person & { readonly formerDigest: bigint };
  /** Its place among the outcomes of its request. */
  readonly at: number;
}

/** One call of `publish`: what of it is to be written, and where the answers go. */
export interface Request {
  readonly entries: readonly Entry[];
  readonly outcomes: (PublishOutcome | undefined)[];
  readonly together: boolean;
  /** Characters of its records: about what it holds of the memory. */
  readonly size: number;
  readonly resolve: (outcomes: readonly PublishOutcome[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Requests that wait for their group, bounded in events and in size. */
export class IntakeQueue {
  readonly #eventsMax: number;
  readonly #sizeMax: number;
  #requests: Request[] = [];
  #events = 0;
  #size = 0;

  constructor(eventsMax: number, sizeMax: number) {
    this.#eventsMax = eventsMax;
    this.#sizeMax = sizeMax;
  }

  get events(): number {
    return this.#events;
  }

  /** False when there is no room. A request that finds an empty queue always has some. */
  offer(request: Request): boolean {
    if (this.#requests.length > 0 && (this.#events + request.entries.length > this.#eventsMax || this.#size + request.size > this.#sizeMax)) return false;
    this.#add(request);
    this.#requests.push(request);
    return true;
  }

  /** Puts a request back that was in the queue before: it goes first, and has its room. */
  putBack(request: Request): void {
    this.#add(request);
    this.#requests.unshift(request);
  }

  #add({ entries, size }: Request): void {
    this.#events += entries.length;
    this.#size += size;
  }

  /**
   * The next requests up to about `eventsMax` events, at least one. Stops before a request that holds an id of another one
   * of the group: whose it is turns out when the group is through.
   */
  takeGroup(eventsMax: number): readonly Request[] {
    const group: Request[] = [];
    const keys = new Set<string>();
    let events = 0;
    for (const request of this.#requests) {
      if (group.length > 0 && (events + request.entries.length > eventsMax || request.entries.some(({ key }) => keys.has(key)))) break;
      for (const { key } of request.entries) keys.add(key);
      events += request.entries.length;
      group.push(request);
    }
    this.#requests = this.#requests.slice(group.length);
    for (const { entries, size } of group) {
      this.#events -= entries.length;
      this.#size -= size;
    }
    return group;
  }

  /** Empties the queue. */
  takeAll(): readonly Request[] {
    const all = this.#requests;
    this.#requests = [];
    this.#events = 0;
    this.#size = 0;
    return all;
  }
}
