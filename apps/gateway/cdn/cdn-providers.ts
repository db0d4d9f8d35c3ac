import { AggregateStore, BlobStore, Clock, ReadStore, ReadTotals, type RateLimiter } from '#ports';
import { CommandExecutor } from '#runtime';
import type { Provider } from '@nestjs/common';
import { StreamReader } from '../streams/stream-reader.ts';
import { CdnReader } from './cdn-reader.ts';
import { EdgeDesk } from './edge-desk.ts';
import { EdgeReader } from './edge-reader.ts';
import { PopularUrls } from './popular-urls.ts';
import { PrefetchModels } from './prefetch-models.ts';
import { PurgedZones } from './purged-zones.ts';
import { PurgeRates } from './purge-rates.ts';
import { PurgeTargets } from './purge-targets.ts';
import { WarmReader } from './warm-reader.ts';
import { ClaimedZoneOwners } from './zone-owners.ts';

/** Edges and purges. */
export function cdnProviders(
  { limiter }: { readonly limiter: RateLimiter },
  edges: { readonly keysRequired: boolean; readonly secret: string | undefined },
): readonly Provider[] {
  return [
    {
      provide: PurgeTargets,
      useFactory: (streams: StreamReader, aggregates: AggregateStore) => new PurgeTargets(streams, new ClaimedZoneOwners(aggregates)),
      inject: [StreamReader, AggregateStore],
    },
    { provide: PurgedZones, useFactory: (aggregates: AggregateStore) => new PurgedZones(aggregates), inject: [AggregateStore] },
    { provide: PurgeRates, useFactory: (clock: Clock) => new PurgeRates(limiter, clock), inject: [Clock] },
    {
      provide: PopularUrls,
      useFactory: (reads: ReadStore, totals: ReadTotals, targets: PurgeTargets, clock: Clock) => new PopularUrls(reads, totals, targets, clock),
      inject: [ReadStore, ReadTotals, PurgeTargets, Clock],
    },
    {
      provide: WarmReader,
      useFactory: (reads: ReadStore, registry: EdgeReader, aggregates: AggregateStore) => new WarmReader(reads, { aggregates, edges: registry }),
      inject: [ReadStore, EdgeReader, AggregateStore],
    },
    {
      provide: PrefetchModels,
      useFactory: (reads: ReadStore, blobs: BlobStore) => new PrefetchModels({ reads, blobs, secret: edges.secret }),
      inject: [ReadStore, BlobStore],
    },
    {
      provide: CdnReader,
      useFactory: (reads: ReadStore, registry: EdgeReader, aggregates: AggregateStore) => new CdnReader(reads, { aggregates, edges: registry }),
      inject: [ReadStore, EdgeReader, AggregateStore],
    },
    { provide: EdgeReader, useFactory: (reads: ReadStore, clock: Clock) => new EdgeReader(reads, clock, edges), inject: [ReadStore, Clock] },
    {
      provide: EdgeDesk,
      useFactory: (commands: CommandExecutor, aggregates: AggregateStore, reader: EdgeReader, clock: Clock) =>
        new EdgeDesk({ commands, aggregates, reader, clock }),
      inject: [CommandExecutor, AggregateStore, EdgeReader, Clock],
    },
  ];
}
