import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { EngineSettings } from './engines.ts';

/** The same settings, with the blobs of one sandbox alone: a folder beside the platform's, or a prefix of its own in the bucket. */
export function sandboxBlobSettings<Settings extends Pick<EngineSettings, 'blobPath' | 's3'>>(settings: Settings, sandboxId: string): Settings {
  const { blobPath, s3 } = settings;
  return {
    ...settings,
    blobPath: join(dirname(blobPath), 'sandboxes', sandboxId),
    ...(s3 === undefined ? {} : { s3: { ...s3, prefix: `${s3.prefix}sandboxes/${sandboxId}/` } }),
  };
}

/** Removes whatever was written with {@link sandboxBlobSettings}. Twice does no harm. */
export async function dropSandboxBlobs(settings: Pick<EngineSettings, 'blobPath' | 's3'>, sandboxId: string): Promise<void> {
  const { blobPath, s3 } = sandboxBlobSettings(settings, sandboxId);
  if (s3 === undefined) return rm(blobPath, { recursive: true, force: true });
  const { removeBlobs } = await import('#adapters/s3-blob');
  await removeBlobs(s3);
}
