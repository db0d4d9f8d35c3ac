import { purgeApplied } from '#events';
import type { Lifecycle } from '#runtime';
import type { EdgeCache } from '../cache/edge-cache.ts';
import type { EdgeFacts } from '../facts/edge-facts.ts';
import { Reclaimer } from './reclaimer.ts';

export interface ReclaimPurgedDeps {
  readonly edgeId: string;
  readonly cache: Pick<EdgeCache, 'ledger' | 'store' | 'reclaimed'>;
  readonly facts: Pick<EdgeFacts, 'publish'>;
  readonly lifecycle: Lifecycle;
  readonly now: () => number;
  readonly onFatal: (error: unknown) => void;
}

/** Frees what was purged behind the requests, and says of each purge that hit something how much that was. */
export function reclaimPurged({ edgeId, cache, facts, lifecycle, now, onFatal }: ReclaimPurgedDeps): void {
  const { ledger, reclaimed, store } = cache;
  const tell = async (generation: number): Promise<void> => {
    for (const [tenant, counted] of Map.groupBy(reclaimed.settle(generation), ({ purge }) => purge.tenant)) {
      const drafts = counted.map(({ purge, objects }) =>
        purgeApplied.draft({ purgeId: purge.purgeId, edgeId, objects: purge.objects + objects, appliedAtMs: now() }),
      );
      await facts.publish(
        'cache',
        drafts,
        tenant,
        counted.map(({ purge }) => purge.cause),
      );
    }
  };
  const reclaimer = new Reclaimer({ ledger, store, onPassed: (generation) => void tell(generation).catch(onFatal) });
  const running = reclaimer.run(lifecycle.stopping).catch(onFatal);
  lifecycle.onStop('work', 'reclaimer', () => running);
}
