import { discardHeads, isDiscarding, leftOutOf, type KnownParked } from '#domain/operation';
import type { AggregateStore } from '#ports';
import { pause, type LeftOut } from '#runtime';

type Heads = Pick<AggregateStore, 'find'>;

const lookMs = 250;

async function discardsIn(aggregates: Heads): Promise<readonly KnownParked[]> {
  return (await aggregates.find(...discardHeads)).map(({ state }) => state as KnownParked);
}

/** What a projection leaves out, as far as it is on record now. */
export async function leftOutNow(aggregates: Heads, projection: string): Promise<LeftOut> {
  return leftOutOf(projection, await discardsIn(aggregates));
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
