import { existsSync } from 'node:fs';
import { openEngines, type Engines } from '#adapters/engines';
import { waitingLog, type AppContext, type PeerBlobs, type RegionPeer } from '#runtime';
import type { ProjectorSettings } from '../projector.config.ts';
import { mirroredTopics } from './mirrored.constants.ts';
import { PeerEventLog } from './peer-event-log.ts';
import { RegionKeeper, type PeerLog } from './region-keeper.ts';

/** The mirrors of other regions into this one. */
export function regionParts(owner: string, engines: Engines<'log' | 'database'>, { settings, logger, telemetry }: AppContext<ProjectorSettings>): RegionKeeper {
  const { regionPeers: peers, s3, blobPath } = settings;
  const { log, leases } = engines;
  const openPeer = async ({ name, kafka, logPath, blobs: theirs }: RegionPeer): Promise<PeerLog> => {
    if (kafka === undefined && !existsSync(logPath)) throw new Error(`there is no event log of ${name} in ${logPath}`);
    const blobs = theirs ?? { s3, blobPath };
    const peer = await openEngines({ ...settings, kafka, logPath, ...blobs, blobsReadOnly: true, onWaiting: waitingLog(logger) }, 'log');
    const place = `${placeOf(blobs)}${theirs === undefined ? ', our own blob store' : ''}`;
    return { log: new PeerEventLog({ peer: name, place }, peer.log), close: () => peer.close() };
  };
  return new RegionKeeper({ owner, peers, topics: mirroredTopics }, { log, leases, openPeer, telemetry, logger });
}

function placeOf({ s3, blobPath }: PeerBlobs): string {
  return s3 === undefined ? blobPath : `${s3.endpoint}/${s3.bucket}/${s3.prefix}`;
}
