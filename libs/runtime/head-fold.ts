import { decodeEvent, isDirect, originOf, type StoredRecord } from '#events';
import { OperatingError } from '#kernel';
import type { AggregateHead, IdentifiedHead } from '#ports';
import type { CatalogueDraft } from './envelopes.ts';

export interface Evolution {
  readonly initialState: unknown;
  evolve(state: unknown, event: CatalogueDraft): unknown;
}

/** What an open aggregate costs beside its first event. */
const overhead = 1024;

/**
 * Heads as the command events of one partition fold to them, in bounded memory. The first event (version 1) opens an
 * aggregate; one that finds no room is left to another pass from {@link skippedFrom} on, in which the aggregates of this
 * pass stay closed, because their first events lie before it. A second first event begins the aggregate anew: somebody
 * had lost the head and did not know of it.
 */
export class HeadFold {
  readonly #evolution: Evolution;
  readonly #charactersMax: number;
  readonly #open = new Map<string, AggregateHead>();
  #characters = 0;
  #skippedFrom: bigint | undefined;
  #failed = 0;

  constructor(evolution: Evolution, charactersMax: number) {
    this.#evolution = evolution;
    this.#charactersMax = charactersMax;
  }

  /** Where the first aggregate that found no room begins. */
  get skippedFrom(): bigint | undefined {
    return this.#skippedFrom;
  }

  /** Aggregates given up because of an event that cannot be folded. */
  get failed(): number {
    return this.#failed;
  }

  heads(): readonly IdentifiedHead[] {
    return Array.from(this.#open, ([id, head]) => ({ id, ...head }));
  }

  /** Takes the next record. Returns why its aggregate was given up: without one event its head would be wrong. */
  add(record: StoredRecord): Error | undefined {
    const decided = decidedBy(record);
    if (decided === undefined) return undefined;
    const { id, version } = decided;
    const head = this.#open.get(id);
    if (head === undefined && (version !== '1' || !this.#hasRoom(record))) return undefined;
    try {
      this.#open.set(id, nextHead(this.#evolution, version === '1' ? undefined : head, record));
      return undefined;
    } catch (error) {
      this.#open.delete(id);
      this.#failed++;
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #hasRoom(record: StoredRecord): boolean {
    if (this.#open.size > 0 && this.#characters >= this.#charactersMax) {
      this.#skippedFrom ??= record.offset;
      return false;
    }
    this.#characters += record.value.length + overhead;
    return true;
  }
}

/** Whose head an event moves, and to which version, as text; undefined for all that moves none. Nothing is decoded for it. */
export function decidedBy(record: StoredRecord): { readonly id: string; readonly version: string } | undefined {
  const { ce_streamversion: version, ce_producerepoch: epoch, ce_subject: id } = record.headers;
  // Nobody else decides for an aggregate: not who writes past the door, not another region.
  if (isDirect(record) || originOf(record) !== undefined) return undefined;
  // Facts of other producers have an epoch, facts about a refusal version 0. Most records end here.
  if (epoch !== '0' || version === undefined || version === '0' || id === undefined || id !== record.key) return undefined;
  return { id, version };
}

/** The head behind the event. @throws OperatingError `LOG_CORRUPT` when an event before it is missing; errors of the codec */
export function nextHead(evolution: Evolution, head: AggregateHead | undefined, record: StoredRecord): AggregateHead {
  const event = decodeEvent(record);
  const version = head?.version ?? 0n;
  if (event.streamVersion > version + 1n) {
    throw new OperatingError(`${event.subject} goes from version ${version} to ${event.streamVersion}: the log has lost an event.`, {
      code: 'LOG_CORRUPT',
      retryable: false,
    });
  }
  const state = evolution.evolve(head === undefined ? evolution.initialState : head.state, event);
  return { version: event.streamVersion, state, tenant: head?.tenant ?? event.tenant };
}
