import type { Checksum } from '#core/edge-store';
import type { Logger } from '#runtime';
import { randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { DiskStore, type DiskStoreDeps, type DiskStoreInit } from './disk-store.ts';
import type { DiskSettings } from './disk.config.ts';
import { openFolder } from './file-folder.adapter.ts';

const mib = 1024 * 1024;

/** Limits that no operator has had a reason to change. */
const limits = {
  /** Of the average object, bytes: the index has room for as many as that makes (Apache Traffic Server reckons the same). */
  averageBytes: 8000,
  /** A small disk is still cut into so many segments: one at a time is evicted. */
  segmentsMin: 16,
  segmentBytesMin: mib,
  ghostsMax: 1_000_000,
  objectBytesMax: 32 * mib,
  lifetimeMinMs: 10_000,
  journalBytesMax: 64 * mib,
  readTimeoutMs: 2000,
  pauseMs: 30_000,
  faultsMax: 5,
} as const;

export function diskInit({ bytesMax, segmentBytes }: Pick<DiskSettings, 'bytesMax' | 'segmentBytes'>): DiskStoreInit {
  const cut = Math.max(limits.segmentBytesMin, Math.min(segmentBytes, Math.floor(bytesMax / limits.segmentsMin)));
  return {
    ...limits,
    bytesMax,
    segmentBytes: cut,
    objectBytesMax: Math.min(limits.objectBytesMax, cut >> 1),
    objectsMax: Math.ceil(bytesMax / limits.averageBytes),
  };
}

export const checksum: Checksum = (bytes) => crc32(bytes);

/** Opens the disk tier; undefined, and said in the log, when the folder is no good: the edge serves from memory then. */
export async function openDisk(
  settings: DiskSettings,
  deps: Omit<DiskStoreDeps, 'folder' | 'checksum' | 'newId' | 'onTrouble'>,
  logger: Logger,
): Promise<DiskStore | undefined> {
  try {
    const folder = await openFolder(settings.path);
    const onTrouble = (what: string, err: unknown): void => logger.error({ err }, what);
    return await DiskStore.open(diskInit(settings), { ...deps, folder, checksum, onTrouble, newId: randomUUID });
  } catch (err) {
    logger.error({ err }, `the edge keeps nothing on the disk, and serves from memory alone: ${(err as Error).message}`);
    return undefined;
  }
}
