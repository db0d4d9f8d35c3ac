import type { Engines } from '#adapters/engines';
import { waitingLog, type AppContext, type RegionPeer } from '#runtime';
import type { ProjectorSettings } from '../projector.config.ts';
import { mirroredTopics } from './mirrored.constants.ts';
import { openPeerLog } from './peer-logs.ts';
import { RegionKeeper, type PeerLog } from './region-keeper.ts';

/** The mirrors of other regions into this one. */
export function regionParts(owner: string, engines: Engines<'log' | 'database'>, { settings, logger, telemetry }: AppContext<ProjectorSettings>): RegionKeeper {
  const { regionPeers: peers } = settings;
  const { log, leases } = engines;
  const openPeer = (peer: RegionPeer): Promise<PeerLog> => openPeerLog(peer, { ...settings, onWaiting: waitingLog(logger) });
  return new RegionKeeper({ owner, peers, topics: mirroredTopics }, { log, leases, openPeer, telemetry, logger });
}
