import type { EventLog } from '#ports';
import type { Lifecycle, Logger, Telemetry } from '#runtime';
import { join } from 'node:path';
import type { EdgeCache } from '../cache/edge-cache.ts';
import type { EdgeCounters } from '../edge-counters.ts';
import type { EdgePlatform } from '../edge-platform.ts';
import type { EdgeSettings } from '../edge.config.ts';
import { edgeLimits } from '../edge.constants.ts';
import type { DoubtPolicies } from '../purge/doubt-policies.ts';
import type { StandingBook } from '../fleet/standing-book.ts';
import type { ModelKeeper } from '../prefetch/model-keeper.ts';
import { AddressGuard } from '../origin/address-guard.ts';
import { ZoneKeeper } from './zone-keeper.ts';
import { ZoneMaker } from './zone-maker.ts';
import { ZoneTail } from './zone-tail.ts';
import { ZonesFile } from './zones.file.ts';

export interface FollowZonesDeps {
  readonly book: StandingBook;
  readonly cache: EdgeCache;
  readonly counters: EdgeCounters;
  readonly lifecycle: Lifecycle;
  readonly log: EventLog;
  readonly logger: Logger;
  readonly now: () => number;
  readonly models: ModelKeeper | undefined;
  readonly onFatal: (err: unknown) => void;
  readonly platform: EdgePlatform;
  /** Learns what tenants prefer in doubt. */
  readonly policies: DoubtPolicies;
  readonly telemetry: Telemetry;
}

/** Catches up with the zones on the log, and follows them until the edge stops. Undefined when it is stopped before. */
export async function followZones(settings: EdgeSettings, deps: FollowZonesDeps): Promise<ZoneKeeper | undefined> {
  const { book, cache, counters, lifecycle, log, logger, models, now, onFatal, platform, policies, telemetry } = deps;
  const { edgeId, edgeSecret, originPrivateAddresses, statePath } = settings;
  const guard = new AddressGuard({ privateAddresses: originPrivateAddresses });
  const maker = new ZoneMaker({ edgeId, edgeSecret, cache, connect: platform.connect, guard, counters, now });
  const keeper = new ZoneKeeper({ table: cache.zones, maker, logger });
  const file = new ZonesFile(join(statePath, 'zones.json'));
  const tail = new ZoneTail({ waitMs: edgeLimits.zoneWaitMs }, { log, keeper, book, policies, models, file, logger, onFatal, health: telemetry.health });
  await tail.catchUp(lifecycle.stopping);
  if (lifecycle.stopping.aborted) return undefined;
  const following = tail.run(lifecycle.stopping);
  lifecycle.onStop('work', 'zone tail', () => following);
  lifecycle.onStop('leases', 'zones', () => keeper.close());
  return keeper;
}
