import { readInteger, readUrl, type Environment } from '#runtime';

/** The tier that edges share, as an operator sets it. */
export interface SharedTierSettings {
  /** `redis://[user:password@]host:port[/database]`, or `rediss://` for TLS. */
  readonly url: string;
  /** How long a request waits for it at most before it goes on to the origin, ms. */
  readonly waitMs: number;
  /** Larger objects are not kept there, bytes. */
  readonly objectBytesMax: number;
}

export const sharedTierDefaults = { waitMs: 20, objectBytesMax: 1024 * 1024 } as const;

/** Undefined for none. @throws OperatingError `SETTING_INVALID` naming the variable. */
export function readSharedTier(env: Environment): SharedTierSettings | undefined {
  const url = readUrl(env, 'EDGE_SHARED_URL', ['redis', 'rediss']);
  const waitMs = readInteger(env, 'EDGE_SHARED_WAIT_MS', sharedTierDefaults.waitMs, 1, 1000);
  const objectBytesMax = readInteger(env, 'EDGE_SHARED_OBJECT_KB', sharedTierDefaults.objectBytesMax / 1024, 1, 16_384) * 1024;
  return url === undefined ? undefined : { url, waitMs, objectBytesMax };
}
