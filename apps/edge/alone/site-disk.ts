import { hashOf } from '#core/http-cache';
import { join } from 'node:path';
import type { Purger } from '../purge/purger.ts';
import { readTextFile, writeTextFile } from '../state/atomic-file.ts';
import type { DiskTier } from '../store/disk-tier.ts';
import type { SiteSettings } from './site.config.ts';

/** What decides what is in an object: what lies on the disk is of no use to a site that differs in it. */
export function siteName({ originUrl, ttlMs, zone }: SiteSettings): string {
  // Who may purge it is nothing about an object.
  return String(hashOf(JSON.stringify([originUrl, ttlMs, zone === undefined ? undefined : { ...zone, purgers: undefined }])));
}

/** Nothing that was kept for another origin, or by other rules, is ever served by these. */
export async function keepToSite(site: SiteSettings, path: string, { disk, purger }: { readonly disk: DiskTier; readonly purger: Purger }): Promise<void> {
  const file = join(path, 'site');
  const name = siteName(site);
  if ((await readTextFile(file)) === name) return;
  purger.purgeAll();
  await disk.flush();
  await writeTextFile(file, name);
}
