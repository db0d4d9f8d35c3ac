import type { PurgeLedger } from '#core/http-cache';
import type { Lifecycle, Logger } from '#runtime';
import { createLedger } from '../cache/edge-cache.ts';
import type { EdgePlatform } from '../edge-platform.ts';
import type { PurgeJournal } from '../purge/purge-journal.ts';
import type { DiskSettings } from './disk.config.ts';
import type { DiskStore } from './disk-store.ts';
import { openDisk } from './open-disk.ts';

export interface EdgeDiskDeps {
  readonly platform: Pick<EdgePlatform, 'bytesOf' | 'keep' | 'lend'>;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
  readonly now: () => number;
}

export interface EdgeDisk {
  readonly ledger: PurgeLedger;
  readonly disk: DiskStore | undefined;
}

/** The ledger of purges, and what keeps it together with the objects, if anything does. */
export async function openEdgeDisk(settings: DiskSettings | undefined, { lifecycle, logger, now, platform }: EdgeDiskDeps): Promise<EdgeDisk> {
  const kept: { journal?: PurgeJournal } = {};
  const ledger = createLedger((entry) => kept.journal?.append(entry));
  if (settings === undefined) return { ledger, disk: undefined };
  const { bytesOf, keep, lend } = platform;
  const disk = await openDisk(settings, { keep, lend, bytesOf, now, ledger }, logger);
  if (disk === undefined) return { ledger, disk };
  kept.journal = disk.journal;
  lifecycle.onStop('engines', 'disk store', () => disk.close());
  return { ledger, disk };
}
