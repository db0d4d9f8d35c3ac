import { heldBackNote, isHeldUp, replayAggregate, type KnownReplay } from '#domain/operation';
import type { AggregateStore } from '#ports';

/** New versions of read models that are built and wait until somebody accepts what they lack, each with the way out. */
export async function heldUpNotes(aggregates: Pick<AggregateStore, 'find'>): Promise<readonly string[]> {
  const open = (await aggregates.find(replayAggregate.context, 'phase', 'open')).map(({ state }) => state as KnownReplay);
  return open
    .filter(isHeldUp)
    .map((one) => `${one.projection} version ${one.projectionVersion} is built and waits, and what serves may stand still meanwhile. ${heldBackNote(one)}`);
}
