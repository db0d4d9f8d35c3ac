import type { Context } from '#events';
import type { Position, PublicationBatch, PublicationBatchInit, Reserved } from '#ports';
import type { PublishAccepted, PublishRejected } from './event-intake.ts';
import type { Entry, Request } from './intake-queue.ts';
import type { Remembered } from './seal-people.ts';

/** An entry in the batch of its topic, and what became of it. */
interface Place {
  readonly entry: Entry;
  readonly request: Request;
  /** True when its id was taken by an other batch. */
  known: boolean;
  /** True when it goes to the log. */
  kept: boolean;
}

/** What is appended to one topic. */
export interface TopicBatch {
  readonly topic: Context;
  readonly places: Place[];
}

const conflict = 'EVENT_ID_CONFLICT';
const otherContent = 'An event of this id was published before, with other content.';
/** Says the same whether it was of somebody who is erased, and whatever was said of whom. */
const otherOrErased = 'An event of this id was published before, with other content, or about somebody who has been erased since.';

/** The requests of one reservation: what goes where, and what everybody is answered. */
export class PublicationGroup {
  readonly requests: readonly Request[];
  readonly topics: readonly TopicBatch[];
  readonly #waiting = new Map<Request, bigint[]>();
  /** Entries whose id and content another entry of the same request has: they share its fate. */
  readonly #twins: Array<{ readonly request: Request; readonly entry: Entry; readonly of: Entry }> = [];

  constructor(requests: readonly Request[]) {
    this.requests = requests;
    const topics = new Map<Context, TopicBatch>();
    const firsts = new Map<string, Entry>();
    for (const request of requests) {
      for (const entry of request.entries) {
        const first = firsts.get(entry.key);
        if (first !== undefined) this.#addTwin(request, entry, first);
        else {
          firsts.set(entry.key, entry);
          const batch = topics.get(entry.event.context) ?? { topic: entry.event.context, places: [] };
          topics.set(batch.topic, batch);
          batch.places.push({ entry, request, known: false, kept: true });
        }
      }
    }
    this.topics = [...topics.values()];
  }

  #addTwin(request: Request, entry: Entry, of: Entry): void {
    if (entry.digest !== of.digest) request.outcomes[entry.at] = rejected(entry, conflict, 'Another event of this call has the same id.');
    else this.#twins.push({ request, entry, of });
  }

  batches(heads: (topic: Context) => readonly bigint[]): readonly PublicationBatchInit[] {
    return this.topics.map(({ topic, places }) => ({ topic, heads: heads(topic), entries: places.map(({ entry }) => entry) }));
  }

  #placeOf(batchIndex: number, entryIndex: number): Place {
    return (this.topics[batchIndex] as TopicBatch).places[entryIndex] as Place;
  }

  /** Entries whose ids were taken before, and what is remembered of them. */
  remembered({ known }: Reserved): readonly Remembered[] {
    return known.map(({ batchIndex, entryIndex, digest }) => ({ entry: this.#placeOf(batchIndex, entryIndex).entry, digest }));
  }

  /**
   * Takes what the reservation says of ids that were taken before: a repetition gets its place, another content a refusal.
   * `repetitions` repeat what was remembered otherwise than it would be now.
   * Requests that meet a batch which is not settled have to wait; nothing of them goes to the log.
   */
  judge({ known }: Reserved, batchOf: (id: bigint) => PublicationBatch | undefined, repetitions: ReadonlySet<Entry>): void {
    const waiting = this.#waiting;
    for (const { batchIndex, entryIndex, batch: id, place: at, digest } of known) {
      const place = this.#placeOf(batchIndex, entryIndex);
      place.known = true;
      const batch = batchOf(id);
      const position = batch?.positions?.[at];
      const { request, entry } = place;
      if (batch === undefined || position === undefined) waiting.set(request, [...(waiting.get(request) ?? []), id]);
      else if (digest !== entry.digest && !repetitions.has(entry)) {
        request.outcomes[entry.at] = rejected(entry, conflict, entry.about === undefined ? otherContent : otherOrErased);
      } else request.outcomes[entry.at] = accepted(entry, batch.topic as Context, position, true);
    }
    const dropped = new Set(waiting.keys());
    for (const request of this.requests) {
      if (!dropped.has(request) && request.together && request.outcomes.some(isRejected)) {
        refuseRest(request);
        dropped.add(request);
      }
    }
    for (const { places } of this.topics) for (const place of places) place.kept = !place.known && !dropped.has(place.request);
    for (const request of waiting.keys()) request.outcomes.forEach((outcome, at) => outcome?.accepted === true && (request.outcomes[at] = undefined));
  }

  /** Requests that cannot be answered before these batches are settled. */
  get waiting(): ReadonlyMap<Request, readonly bigint[]> {
    return this.#waiting;
  }

  /** What is left to append. */
  static kept({ places }: TopicBatch): readonly Place[] {
    return places.filter(({ kept }) => kept);
  }

  /** Where the entries of a batch stand, for the store; `written` are the positions of the kept ones, in order. */
  static positions({ places }: TopicBatch, written: readonly Position[]): readonly (Position | undefined)[] {
    let next = 0;
    return places.map(({ kept }) => (kept ? written[next++] : undefined));
  }

  /** The batch is on the log. */
  written(batch: TopicBatch, positions: readonly Position[]): void {
    PublicationGroup.kept(batch).forEach(({ entry, request }, at) => {
      request.outcomes[entry.at] = accepted(entry, batch.topic, positions[at] as Position, false);
    });
  }

  /** Answers every request whose outcomes are all there. */
  answer(): void {
    for (const { request, entry, of } of this.#twins) {
      const outcome = request.outcomes[of.at];
      if (request.outcomes[entry.at] === undefined && outcome?.accepted === true) request.outcomes[entry.at] = { ...outcome, duplicate: true };
    }
    for (const request of this.requests) {
      const { outcomes } = request;
      if (!this.#waiting.has(request) && outcomes.every((outcome) => outcome !== undefined)) request.resolve(outcomes);
    }
  }

  /** Something went wrong on the way: whoever has all answers gets them, the others the error. */
  fail(error: unknown): void {
    this.answer();
    for (const request of this.requests) if (!this.#waiting.has(request)) request.reject(error);
  }
}

function isRejected(outcome: { readonly accepted: boolean } | undefined): boolean {
  return outcome?.accepted === false;
}

function accepted({ event }: Entry, topic: Context, { partition, offset }: Position, duplicate: boolean): PublishAccepted {
  return { accepted: true, id: event.id, topic, partition, offset, duplicate };
}

function rejected({ event }: Entry, code: PublishRejected['code'], message: string): PublishRejected {
  return { accepted: false, id: event.id, code, field: 'id', message, retryable: false };
}

/** One refused event refuses all of its request. */
export function refuseRest({ entries, outcomes }: Pick<Request, 'entries' | 'outcomes'>): void {
  const message = 'Another event of the same call was refused, so nothing of the call was written.';
  for (const { event, at } of entries) {
    if (outcomes[at]?.accepted === false) continue;
    outcomes[at] = { accepted: false, id: event.id, code: 'EVENT_BATCH_REFUSED', field: '', message, retryable: true };
  }
}
