import { discardHeads, isDiscarding, leftOutOf, type KnownParked } from '#domain/operation';
import type { AggregateStore } from '#ports';
import { pause, type LeftOut } from '#runtime';

type Heads = Pick<AggregateStore, 'find'>;

const lookMs = 250;

async function discardsIn(aggregates: Heads): Promise<readonly KnownParked[]> {
  return (await aggregates.find(...discardHeads)).map(({ state }) => state as KnownParked);
}

/** Tells many at once what projections leave out, as far as it is on record when they ask. */
export class DiscardReader {
  readonly #aggregates: Heads;
  #reading: Promise<unknown> = Promise.resolve();
  #next: Promise<readonly KnownParked[]> | undefined;

  constructor(aggregates: Heads) {
    this.#aggregates = aggregates;
  }

  /** What a projection leaves out. @throws OperatingError of the database */
  async leftOut(projection: string): Promise<LeftOut> {
    return leftOutOf(projection, await this.#discards());
  }

  /** A reading under way may miss what was put on record meanwhile: whoever asks then shares the next one. */
  #discards(): Promise<readonly KnownParked[]> {
    this.#next ??= this.#reading.then(() => {
      this.#next = undefined;
      const discards = discardsIn(this.#aggregates);
      this.#reading = discards.catch(() => undefined);
      return discards;
    });
    return this.#next;
  }
}

/**
 * The same once no discard for it is under way: whoever builds what was asked for after a discard must know what became of it.
 * @returns undefined when it was told to stop before
 */
export async function leftOutSettled(aggregates: Heads, projection: string, stop: AbortSignal): Promise<LeftOut | undefined> {
  while (!stop.aborted) {
    const discards = await discardsIn(aggregates);
    if (!isDiscarding(projection, discards)) return leftOutOf(projection, discards);
    await pause(lookMs, stop);
  }
  return undefined;
}
