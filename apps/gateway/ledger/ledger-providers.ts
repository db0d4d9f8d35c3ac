import { CommandExecutor } from '#runtime';
import type { Provider } from '@nestjs/common';
import type { GatewayEngines } from '../gateway-engines.ts';
import { LedgerKeys } from './ledger-keys.ts';
import { LedgerReader } from './ledger-reader.ts';

/** The audit ledger as it is served; `keyFile` as set, else the keys are among the secrets. */
export function ledgerProviders({ ledger, sealedLog, clock }: GatewayEngines, keyFile: string | undefined): Provider[] {
  return [
    {
      provide: LedgerKeys,
      useFactory: (commands: CommandExecutor) => new LedgerKeys(keyFile !== undefined, { commands, store: ledger }),
      inject: [CommandExecutor],
    },
    // What a cache remembers proves nothing about what is stored.
    { provide: LedgerReader, useValue: new LedgerReader(ledger, sealedLog.asStored(), () => clock.now()) },
  ];
}
