import { contexts } from '#events';
import {
  EventIndex,
  eventIndexErrors,
  type Clock,
  type IndexBatch,
  type IndexedEvent,
  type IndexFilter,
  type IndexPage,
  type IndexPlace,
  type IndexPosition,
  type IndexSearch,
} from '#ports';

/** Before, at or behind in the order of places: negative, zero, positive. */
function comparePlaces(a: IndexPlace, b: IndexPlace): number {
  const lane = ({ topic, partition }: IndexPlace): number => contexts.indexOf(topic) * 256 + partition;
  return a.recordedAt - b.recordedAt || lane(a) - lane(b) || Number(a.offset - b.offset);
}

function fits(event: IndexedEvent, { contexts: topics, types, subject, subjectPrefix, ...exact }: IndexFilter): boolean {
  if (topics?.includes(event.topic) === false || types?.includes(event.type) === false) return false;
  if (subject !== undefined && event.subject !== subject && !event.subject.startsWith(`${subject}/`)) return false;
  if (subjectPrefix !== undefined && !event.subject.startsWith(subjectPrefix)) return false;
  return (['tenant', 'actor', 'correlationId', 'causationId'] as const).every((name) => exact[name] === undefined || exact[name] === event[name]);
}

/** The event index for tests, as long as its object. */
export class MemoryEventIndex extends EventIndex {
  readonly #clock: Clock;
  readonly #positions = new Map<string, IndexPosition>();
  #events: IndexedEvent[] = [];
  #epoch = 0n;
  #log: string | undefined;
  #claimed = false;

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  override async claim(epoch: bigint, log: string): Promise<readonly IndexPosition[]> {
    if (this.#epoch > epoch) throw eventIndexErrors.fenced();
    this.#epoch = epoch;
    if (this.#log !== log) await this.reset();
    this.#log = log;
    this.#claimed = true;
    return this.positions();
  }

  override async append({ epoch, moves, events }: IndexBatch): Promise<void> {
    const nameOf = (at: { readonly topic: string; readonly partition: number }): string => `${at.topic}/${at.partition}`;
    const stands = moves.every((move) => (this.#positions.get(nameOf(move))?.position ?? 0n) === move.from);
    if (epoch !== this.#epoch || !stands || !this.#claimed) throw eventIndexErrors.fenced();
    for (const move of moves)
      this.#positions.set(nameOf(move), { topic: move.topic, partition: move.partition, position: move.to, movedAtMs: this.#clock.now() });
    this.#events = [...this.#events, ...events].sort(comparePlaces);
  }

  override async positions(): Promise<readonly IndexPosition[]> {
    return [...this.#positions.values()].sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition));
  }

  override async search({ filter, fromMs = 0, untilMs = Infinity, before, limit }: IndexSearch): Promise<IndexPage> {
    const isWanted = (event: IndexedEvent): boolean =>
      event.recordedAt >= fromMs && event.recordedAt < untilMs && (before === undefined || comparePlaces(event, before) < 0) && fits(event, filter);
    const events = this.#events.filter(isWanted).reverse().slice(0, limit);
    return { events, searchedTo: events.length < limit ? undefined : events.at(-1) };
  }

  override async find(ids: readonly string[]): Promise<readonly IndexedEvent[]> {
    const wanted = new Set(ids);
    return this.#events.filter(({ id }) => wanted.has(id));
  }

  override async causedBy(ids: readonly string[], limit: number): Promise<readonly IndexedEvent[]> {
    const wanted = new Set(ids);
    return this.#events.filter(({ causationId }) => wanted.has(causationId)).slice(0, limit);
  }

  override async reset(): Promise<void> {
    this.#events = [];
    this.#positions.clear();
    this.#claimed = false;
  }

  override async tend(beforeMs = 0): Promise<void> {
    this.#events = this.#events.filter(({ recordedAt }) => recordedAt >= beforeMs);
  }
}
