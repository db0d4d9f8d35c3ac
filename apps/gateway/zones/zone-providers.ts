import { AggregateStore, Clock, ReadStore } from '#ports';
import { CommandExecutor } from '#runtime';
import type { Provider } from '@nestjs/common';
import { ZoneDesk } from './zone-desk.ts';
import { ZoneHostClaims } from './zone-host-claims.ts';

/** Sites behind the edges. */
export function zoneProviders(privateAddresses: boolean): readonly Provider[] {
  return [
    {
      provide: ZoneDesk,
      useFactory: (commands: CommandExecutor, aggregates: AggregateStore, reads: ReadStore, clock: Clock) =>
        new ZoneDesk({ commands, aggregates, reads, claims: new ZoneHostClaims(commands, aggregates, clock), privateAddresses }),
      inject: [CommandExecutor, AggregateStore, ReadStore, Clock],
    },
  ];
}
