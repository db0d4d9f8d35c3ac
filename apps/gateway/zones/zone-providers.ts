import { AggregateStore, Clock, ReadStore, type SecretStore } from '#ports';
import { CommandExecutor } from '#runtime';
import type { Provider } from '@nestjs/common';
import type { GatewaySettings } from '../gateway.config.ts';
import { PurgeRates } from '../cdn/purge-rates.ts';
import { ChangedHook } from './changed-hook.ts';
import { OriginPurges } from './origin-purges.ts';
import { OwnHosts } from './own-hosts.ts';
import { ZoneDesk } from './zone-desk.ts';
import { ZoneHostClaims } from './zone-host-claims.ts';
import { ZonePurges } from './zone-purges.ts';

/** Sites behind the edges. */
export function zoneProviders(
  secrets: SecretStore,
  { edgeSecret, originPrivateAddresses, ownHosts }: Pick<GatewaySettings, 'edgeSecret' | 'originPrivateAddresses' | 'ownHosts'>,
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
      provide: ZonePurges,
      useFactory: (commands: CommandExecutor, aggregates: AggregateStore, rates: PurgeRates, clock: Clock) =>
        new ZonePurges({ commands, aggregates, rates, clock }),
      inject: [CommandExecutor, AggregateStore, PurgeRates, Clock],
    },
    {
      provide: ChangedHook,
      useFactory: (purges: ZonePurges, clock: Clock) => new ChangedHook({ purges, secrets, clock }),
      inject: [ZonePurges, Clock],
    },
    {
      provide: OriginPurges,
      useFactory: (purges: ZonePurges, rates: PurgeRates, clock: Clock) => new OriginPurges({ purges, rates, clock, edgeSecret }),
      inject: [ZonePurges, PurgeRates, Clock],
    },
  ];
}
