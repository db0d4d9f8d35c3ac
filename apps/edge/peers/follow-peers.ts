import { pause, type Lifecycle, type Logger } from '#runtime';
import type { EdgeCache } from '../cache/edge-cache.ts';
import type { EdgeSettings } from '../edge.config.ts';
import type { Gateways } from '../gateway/gateways.ts';
import type { PurgeTail } from '../purge/purge-tail.ts';
import type { KeepBytes } from '../server/exchange.ts';
import { PeerPull } from './peer-pull.ts';
import { RegistryPeers } from './registry-peers.ts';

export interface FollowPeersDeps {
  readonly gateways: Gateways;
  readonly cache: EdgeCache;
  readonly tail: Pick<PurgeTail, 'mark'>;
  readonly purgesKnown: () => boolean;
  readonly keep: KeepBytes;
  readonly lifecycle: Lifecycle;
  readonly logger: Logger;
  readonly now: () => number;
}

/** Takes what is hot at the peers before this edge serves, and from then on every so often. Whatever peers do, the edge starts. */
export async function followPeers({ edgeId, edgeSecret, peers, region }: EdgeSettings, deps: FollowPeersDeps): Promise<void> {
  const { cache, gateways, keep, lifecycle, logger, now, purgesKnown, tail } = deps;
  if (peers === undefined || edgeSecret === undefined) return;
  const { stopping } = lifecycle;
  const { registryKey: key, urls } = peers;
  const registry = key === undefined ? undefined : new RegistryPeers({ edgeId, region, key }, { gateways, logger, stopping });
  const all = async (): Promise<readonly string[]> => [...new Set([...urls, ...((await registry?.urls()) ?? [])])];
  const pull = new PeerPull(
    { peers: all, secret: edgeSecret, bytesMax: peers.bytesMax, timeMaxMs: peers.timeMaxMs },
    { store: cache.store, ledger: cache.ledger, zones: cache.zones, keep, mark: () => (purgesKnown() ? tail.mark : undefined), logger, now, stopping },
  );
  const startedMs = now();
  const pulled = await pull.round();
  logger.info({ ...pulled, tookMs: now() - startedMs }, 'warmed from the peers');
  if (peers.everyMs === 0) return;
  const following = (async () => {
    for (;;) {
      await pause(peers.everyMs, stopping);
      if (stopping.aborted) return;
      await pull.round();
    }
  })();
  lifecycle.onStop('work', 'peers', () => following);
}
