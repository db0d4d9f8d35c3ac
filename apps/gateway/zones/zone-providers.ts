import { AggregateStore, Clock, ReadStore, type SecretStore } from '#ports';
import { CommandExecutor } from '#runtime';
import type { Provider } from '@nestjs/common';
import type { GatewaySettings } from '../gateway.config.ts';
import { PurgeRates } from '../cdn/purge-rates.ts';
import { ChangedHook } from './changed-hook.ts';
import { OwnHosts } from './own-hosts.ts';
import { ZoneDesk } from './zone-desk.ts';
import { ZoneHostClaims } from './zone-host-claims.ts';

/** Sites behind the edges. */
export function zoneProviders(
  secrets: SecretStore,
  { originPrivateAddresses, ownHosts }: Pick<GatewaySettings, 'originPrivateAddresses' | 'ownHosts'>,
): readonly Provider[] {
  return [
    {
      provide: ZoneDesk,
      useFactory: (commands: CommandExecutor, aggregates: AggregateStore, reads: ReadStore, clock: Clock) =>
        new ZoneDesk({
          ...{ commands, aggregates, reads, claims: new ZoneHostClaims(commands, aggregates, clock) },
          ...{ own: new OwnHosts({ hosts: ownHosts, reads }), privateAddresses: originPrivateAddresses },
        }),
      inject: [CommandExecutor, AggregateStore, ReadStore, Clock],
    },
    {
      provide: ChangedHook,
      useFactory: (commands: CommandExecutor, aggregates: AggregateStore, rates: PurgeRates, clock: Clock) =>
        new ChangedHook({ commands, aggregates, rates, clock, secrets }),
      inject: [CommandExecutor, AggregateStore, PurgeRates, Clock],
    },
  ];
}
