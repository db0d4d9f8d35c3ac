import { existsSync } from 'node:fs';
import { openEngines, type Engines } from '#adapters/engines';
import { waitingLog, type AppContext, type RegionPeer } from '#runtime';
import type { ProjectorSettings } from '../projector.config.ts';
import { mirroredTopics } from './mirrored.constants.ts';
import { RegionKeeper, type PeerLog } from './region-keeper.ts';

/** The mirrors of other regions into this one. */
export function regionParts(owner: string, engines: Engines<'log' | 'database'>, { settings, logger, telemetry }: AppContext<ProjectorSettings>): RegionKeeper {
  const { regionPeers: peers } = settings;
  const { log, leases } = engines;
  const openPeer = async ({ name, kafka, logPath }: RegionPeer): Promise<PeerLog> => {
    if (kafka === undefined && !existsSync(logPath)) throw new Error(`there is no event log of ${name} in ${logPath}`);
    return openEngines({ ...settings, kafka, logPath, onWaiting: waitingLog(logger) }, 'log');
  };
  return new RegionKeeper({ owner, peers, topics: mirroredTopics }, { log, leases, openPeer, telemetry, logger });
}
