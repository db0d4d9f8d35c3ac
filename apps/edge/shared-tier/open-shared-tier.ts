import { RedisConnection } from '#adapters/redis';
import { compilePattern } from '#adapters/re2';
import { PurgePositions } from '#core/http-cache';
import type { EventLog } from '#ports';
import type { Lifecycle, Logger } from '#runtime';
import { purgeTopic } from '../purge/purge-tail.ts';
import type { Purger } from '../purge/purger.ts';
import { checksum } from '../store/open-disk.ts';
import { zoneOfKey } from '../zones/zone-table.ts';
import { SharedPurges } from './shared-purges.ts';
import { SharedStore, type SharedStoreInit } from './shared-store.ts';
import type { SharedTierSettings } from './shared-tier.config.ts';
import { sharedLifetimeMaxMs, SharedTier, type KnownPurges } from './shared-tier.ts';
import { SiteEpoch } from './site-epoch.ts';
import { TierGuard } from './tier-guard.ts';

/** Of each partition. */
const marksMax = 20_000;
const patternsMax = 100;
/** The head of a record, and what shows that a value is longer than any that was written. */
const headBytesMax = 512 * 1024;
const commandTimeoutMs = 2000;
/** Edges without a log must be back soon where they know better than the server (`standsMs`). */
const siteLongestPauseMs = 1000;
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

const zoneOf = (key: string): string => zoneOfKey(key).id;

interface TierParts extends Pick<SharedTierParts, 'known' | 'lifecycle' | 'logger' | 'now'> {
  /** What a refusal of the server points to. */
  readonly setting: string;
  readonly purges: Pick<PurgePositions, 'holds'>;
  readonly epoch?: Pick<SharedStoreInit, 'epochName' | 'onEpoch'>;
  readonly longestPauseMs?: number;
}

async function openTier(
  { objectBytesMax, url, waitMs }: SharedTierSettings,
  { epoch, known, lifecycle, logger, longestPauseMs, now, purges, setting }: TierParts,
): Promise<{ readonly tier: SharedTier; readonly store: SharedStore; readonly guard: TierGuard }> {
  const redis = await RedisConnection.open({ url, commandTimeoutMs, setting, ...(longestPauseMs === undefined ? {} : { longestPauseMs }) });
  const store = new SharedStore(redis, { bytesMax: objectBytesMax + headBytesMax, ...epoch });
  lifecycle.onStop('engines', 'shared tier', () => store.close());
  const guard = new TierGuard({
    now,
    onChange: (state, reason) => {
      if (state === 'on') logger.info('the shared tier is used again');
      else
        logger.warn({ reason }, state === 'full' ? 'the shared tier takes nothing new, and is read' : 'the shared tier is left alone, and the origin is asked');
    },
  });
  return { tier: new SharedTier({ waitMs, objectBytesMax }, { store, guard, purges, known, zoneOf, checksum, now }), store, guard };
}

/** Opens the tier that edges share; one that is not there is waited for while the edge serves without it. */
export async function openSharedTier(settings: SharedTierSettings, { known, lifecycle, log, logger, now }: SharedTierParts): Promise<OpenSharedTier> {
  const positions = new PurgePositions({ marksMax, patternsMax, compile: compilePattern });
  const { guard, store, tier } = await openTier(settings, { known, lifecycle, logger, now, purges: positions, setting: 'EDGE_SHARED_URL' });
  // Who starts hears of it now, and not at the first request.
  await store.read('streams:edge:start').catch((error: unknown) => guard.failed(error));
  const purges = (purger: Purger): SharedPurges =>
    new SharedPurges({ topic: purgeTopic, ...learning }, { positions, targetsOf: (order) => purger.targetsOf(order), log, logger, now });
  return { tier, purges };
}

export interface SiteTier {
  readonly tier: SharedTier;
  readonly epoch: SiteEpoch;
}

/** The same for edges that are alone, without a log: those of one site, by its name, share. */
export async function openSiteTier(settings: SharedTierSettings, site: string, parts: Omit<SharedTierParts, 'known' | 'log'>): Promise<SiteTier> {
  const opened: { epoch?: SiteEpoch } = {};
  const { guard, store, tier } = await openTier(settings, {
    ...parts,
    known: () => opened.epoch?.known(),
    purges: { holds: (subject, positions) => opened.epoch?.holds(subject, positions) === true },
    setting: '`shared` in the file of the site',
    longestPauseMs: siteLongestPauseMs,
    epoch: { epochName: (life) => `streams:edge:epoch:${site}:${life}`, onEpoch: (epoch) => opened.epoch?.seen(epoch) },
  });
  const onAway = (error: unknown): void => guard.failed(error);
  const epoch = new SiteEpoch(site, { store, stopping: parts.lifecycle.stopping, now: parts.now, onAway });
  opened.epoch = epoch;
  await epoch.begin();
  return { tier, epoch };
}
