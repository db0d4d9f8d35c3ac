import { AggregateStore, BlobStore, Clock, EventLog, ReadStore, ReadTotals } from '#ports';
import { OpenedEventLog, PersonalData } from '#runtime';
import type { Provider } from '@nestjs/common';
import type { GatewayEngines } from './gateway-engines.ts';

/** The engines that more than one part asks for by their port. */
export function engineProviders({ log, aggregates, reads, totals, blobs, clock, personal }: GatewayEngines): Provider[] {
  return [
    { provide: PersonalData, useValue: personal },
    // For those who show events; whoever writes, or proves what is there, takes the log itself.
    { provide: EventLog, useValue: new OpenedEventLog(log, personal) },
    { provide: AggregateStore, useValue: aggregates },
    { provide: ReadStore, useValue: reads },
    { provide: ReadTotals, useValue: totals },
    { provide: BlobStore, useValue: blobs },
    { provide: Clock, useValue: clock },
  ];
}
