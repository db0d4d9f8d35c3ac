import { existsSync } from 'node:fs';
import { openEngines, type EngineSettings } from '#adapters/engines';
import type { PeerBlobs, RegionPeer } from '#runtime';
import { PeerEventLog } from './peer-event-log.ts';
import type { PeerLog } from './region-keeper.ts';

/** Opens the log of a peer to be read, its sealed past where it keeps that. @param ours the engines of this region */
export async function openPeerLog({ name, kafka, logPath, blobs: theirs }: RegionPeer, ours: EngineSettings): Promise<PeerLog> {
  if (kafka === undefined && !existsSync(logPath)) throw new Error(`there is no event log of ${name} in ${logPath}`);
  const blobs = theirs ?? { s3: ours.s3, blobPath: ours.blobPath };
  const peer = await openEngines({ ...ours, kafka, logPath, ...blobs, blobsReadOnly: true }, 'log');
  const place = `${placeOf(blobs)}${theirs === undefined ? ', our own blob store' : ''}`;
  return { log: new PeerEventLog({ peer: name, place }, peer.log), close: () => peer.close() };
}

function placeOf({ s3, blobPath }: { readonly s3?: PeerBlobs['s3'] | EngineSettings['s3']; readonly blobPath: string }): string {
  return s3 === undefined ? blobPath : `${s3.endpoint}/${s3.bucket}/${s3.prefix}`;
}
