import { RedisConnection } from '#adapters/redis';
import { compilePattern } from '#adapters/re2';
import { PurgePositions } from '#core/http-cache';
import type { EventLog } from '#ports';
import type { Lifecycle, Logger } from '#runtime';
import { purgeTopic } from '../purge/purge-tail.ts';
import type { Purger } from '../purge/purger.ts';
import { checksum } from '../store/open-disk.ts';
import { SharedPurges } from './shared-purges.ts';
import { SharedStore } from './shared-store.ts';
import type { SharedTierSettings } from './shared-tier.config.ts';
import { sharedLifetimeMaxMs, SharedTier, type KnownPurges } from './shared-tier.ts';
import { TierGuard } from './tier-guard.ts';

/** Of each partition. */
const marksMax = 20_000;
const patternsMax = 100;
/** The head of a record, and what shows that a value is longer than any that was written. */
const headBytesMax = 512 * 1024;
const commandTimeoutMs = 2000;
const learning = { lifetimeMs: sharedLifetimeMaxMs, recordsMax: 20_000, timeMaxMs: 5000 } as const;

export interface SharedTierParts {
  /** How far this edge has read the purges; undefined while it does not know what was purged lately. */
  readonly known: () => KnownPurges | undefined;
  readonly log: EventLog;
  readonly lifecycle: Lifecycle;
  readonly logger: Logger;
  readonly now: () => number;
}

export interface OpenSharedTier {
  readonly tier: SharedTier;
  /** What follows the purges for it, once there is who makes targets of them. */
  readonly purges: (purger: Purger) => SharedPurges;
}

/** Opens the tier that edges share; one that is not there is waited for while the edge serves without it. */
export async function openSharedTier(settings: SharedTierSettings, { known, lifecycle, log, logger, now }: SharedTierParts): Promise<OpenSharedTier> {
  const { objectBytesMax, url, waitMs } = settings;
  const redis = await RedisConnection.open({ url, commandTimeoutMs, setting: 'EDGE_SHARED_URL' });
  const store = new SharedStore(redis, objectBytesMax + headBytesMax);
  lifecycle.onStop('engines', 'shared tier', () => store.close());
  const positions = new PurgePositions({ marksMax, patternsMax, compile: compilePattern });
  const guard = new TierGuard({
    now,
    onChange: (state, reason) => {
      if (state === 'on') logger.info('the shared tier is used again');
      else
        logger.warn({ reason }, state === 'full' ? 'the shared tier takes nothing new, and is read' : 'the shared tier is left alone, and the origin is asked');
    },
  });
  const tier = new SharedTier({ waitMs, objectBytesMax }, { store, guard, purges: positions, known, checksum, now });
  const purges = (purger: Purger): SharedPurges =>
    new SharedPurges({ topic: purgeTopic, ...learning }, { positions, targetsOf: (order) => purger.targetsOf(order), log, logger, now });
  return { tier, purges };
}
