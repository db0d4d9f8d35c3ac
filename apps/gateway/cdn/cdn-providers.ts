import { AggregateStore, Clock, ReadStore } from '#ports';
import type { Provider } from '@nestjs/common';
import { StreamReader } from '../streams/stream-reader.ts';
import { CdnReader } from './cdn-reader.ts';
import { PurgeTargets } from './purge-targets.ts';

/** Edges and purges. */
export const cdnProviders: readonly Provider[] = [
  { provide: PurgeTargets, useFactory: (streams: StreamReader) => new PurgeTargets(streams), inject: [StreamReader] },
  {
    provide: CdnReader,
    useFactory: (reads: ReadStore, now: Clock, aggregates: AggregateStore) => new CdnReader(reads, now, aggregates),
    inject: [ReadStore, Clock, AggregateStore],
  },
];
