import { AggregateStore, Clock, ReadStore, type RateLimiter } from '#ports';
import type { Provider } from '@nestjs/common';
import { StreamReader } from '../streams/stream-reader.ts';
import { CdnReader } from './cdn-reader.ts';
import { PurgeRates } from './purge-rates.ts';
import { PurgeTargets } from './purge-targets.ts';
import { WarmReader } from './warm-reader.ts';
import { ClaimedZoneOwners } from './zone-owners.ts';

/** Edges and purges. */
export function cdnProviders({ limiter }: { readonly limiter: RateLimiter }): readonly Provider[] {
  return [
    {
      provide: PurgeTargets,
      useFactory: (streams: StreamReader, aggregates: AggregateStore) => new PurgeTargets(streams, new ClaimedZoneOwners(aggregates)),
      inject: [StreamReader, AggregateStore],
    },
    { provide: PurgeRates, useFactory: (clock: Clock) => new PurgeRates(limiter, clock), inject: [Clock] },
    {
      provide: WarmReader,
      useFactory: (reads: ReadStore, now: Clock, aggregates: AggregateStore) => new WarmReader(reads, now, aggregates),
      inject: [ReadStore, Clock, AggregateStore],
    },
    {
      provide: CdnReader,
      useFactory: (reads: ReadStore, now: Clock, aggregates: AggregateStore) => new CdnReader(reads, now, aggregates),
      inject: [ReadStore, Clock, AggregateStore],
    },
  ];
}
