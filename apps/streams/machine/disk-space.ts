import { statfs } from 'node:fs/promises';
import { exitCodes, PlainFailure } from '../streams.errors.ts';

const megabyte = 1024 * 1024;
/** A new PostgreSQL cluster alone takes 60 MB. */
export const freeBytesMin = 256 * megabyte;
/** An hour of the default ladder is about 2 GB. */
export const freeBytesLow = 2048 * megabyte;

/** Bytes that this user may still write on the disk that holds `folder`. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** @throws PlainFailure when there is too little to start with. */
export async function checkDiskSpace(dataDir: string): Promise<void> {
  const free = await freeBytes(dataDir);
  if (free >= freeBytesMin) return;
  throw new PlainFailure(
    `Only ${Math.floor(free / megabyte)} MB are free on the disk that holds ${dataDir}: free at least ${freeBytesMin / megabyte} MB, or set STREAMS_DATA_DIR to another disk.`,
    exitCodes.usage,
  );
}
