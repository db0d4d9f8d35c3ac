import { purgeCounted, type EventOf, type purgeCountRequested } from '#events';
import type { Logger } from '#runtime';
import type { EdgeCache } from '../cache/edge-cache.ts';
import type { EdgeFacts } from '../facts/edge-facts.ts';

type DryRun = EventOf<typeof purgeCountRequested>;

export interface DryRunDeps {
  readonly edgeId: string;
  readonly cache: Pick<EdgeCache, 'purger'>;
  readonly facts: Pick<EdgeFacts, 'publish'>;
  readonly logger: Logger;
  readonly now: () => number;
  readonly onFatal: (error: unknown) => void;
}

/** Dry runs that wait; what comes beyond is not answered, which is seen where the dry run is shown. */
const waitingMax = 100;

/** Answers dry runs, one after the other, with what each would hit at that moment. */
export function dryRunsOf({ edgeId, cache, facts, logger, now, onFatal }: DryRunDeps): (event: DryRun) => void {
  const before = new Map<string, number>();
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();
  const answer = async ({ data, tenant, correlationId, id: causationId }: DryRun): Promise<void> => {
    const { purgeId, part = 0, parts = 1 } = data;
    const counted = await cache.purger.count(data).catch((err: unknown) => {
      logger.warn({ err, purgeId }, 'a dry run cannot be counted as it stands');
      return undefined;
    });
    if (counted === undefined) return;
    const objects = (before.get(purgeId) ?? 0) + counted;
    before.delete(purgeId);
    if (part + 1 < parts) return void before.set(purgeId, objects);
    await facts.publish('cache', [purgeCounted.draft({ purgeId, edgeId, objects, countedAtMs: now() })], tenant, [{ correlationId, causationId }]);
  };
  return (event) => {
    if (waiting >= waitingMax) return;
    waiting++;
    last = last
      .then(() => answer(event))
      .catch(onFatal)
      .finally(() => waiting--);
  };
}
