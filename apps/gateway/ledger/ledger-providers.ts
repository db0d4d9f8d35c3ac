import { CommandExecutor } from '#runtime';
import type { Provider } from '@nestjs/common';
import type { GatewayEngines } from '../gateway-engines.ts';
import { LedgerHoldings } from './ledger-holdings.ts';
import { LedgerKeys } from './ledger-keys.ts';
import { LedgerReader } from './ledger-reader.ts';
import { LedgerTrees } from './ledger-trees.ts';

/** The audit ledger as it is served; `keyFile` as set, else the keys are among the secrets. */
export function ledgerProviders({ ledger, sealedLog, index, secrets, clock }: GatewayEngines, keyFile: string | undefined): Provider[] {
  const reader = new LedgerReader({ store: ledger, log: sealedLog, index, now: () => clock.now() });
  return [
    {
      provide: LedgerKeys,
      useFactory: (commands: CommandExecutor) => new LedgerKeys(keyFile !== undefined, { commands, store: ledger }),
      inject: [CommandExecutor],
    },
    {
      provide: LedgerTrees,
      useFactory: (commands: CommandExecutor) => new LedgerTrees({ commands, store: ledger, reader }),
      inject: [CommandExecutor],
    },
    { provide: LedgerReader, useValue: reader },
    { provide: LedgerHoldings, useValue: new LedgerHoldings(keyFile, { ledger: reader, store: ledger, secrets, clock }) },
  ];
}
