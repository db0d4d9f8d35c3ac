import { AggregateStore, BlobStore, Clock, EventLog, ReadStore } from '#ports';
import type { Provider } from '@nestjs/common';
import type { GatewayEngines } from './gateway-engines.ts';

/** The engines that more than one part asks for by their port. */
export function engineProviders({ log, aggregates, reads, blobs, clock }: GatewayEngines): Provider[] {
  return [
    { provide: EventLog, useValue: log },
    { provide: AggregateStore, useValue: aggregates },
    { provide: ReadStore, useValue: reads },
    { provide: BlobStore, useValue: blobs },
    { provide: Clock, useValue: clock },
  ];
}
