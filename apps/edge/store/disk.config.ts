import { readInteger, type Environment } from '#runtime';
import { join } from 'node:path';

/** The disk tier, as an operator sets it. Sizes in bytes. */
export interface DiskSettings {
  readonly path: string;
  readonly bytesMax: number;
  readonly segmentBytes: number;
}

const mib = 1024 * 1024;
/** When only the folder is given, MiB. */
const diskDefault = 1024;

/** Undefined for no disk tier. @throws OperatingError `SETTING_INVALID` naming the variable. */
export function readDisk(env: Environment, { edgeId, statePath }: { readonly edgeId: string; readonly statePath: string }): DiskSettings | undefined {
  const folder = env['EDGE_DISK_DIR'] || undefined;
  const bytesMax = readInteger(env, 'EDGE_DISK_MB', folder === undefined ? 0 : diskDefault, 0, 16_777_216) * mib;
  const segmentBytes = readInteger(env, 'EDGE_DISK_SEGMENT_MB', 64, 1, 1024) * mib;
  if (bytesMax === 0) return undefined;
  // Each edge of a machine has a folder of its own.
  return { path: folder === undefined ? join(statePath, 'store') : join(folder, edgeId), bytesMax, segmentBytes };
}
