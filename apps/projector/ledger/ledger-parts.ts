import type { Engines } from '#adapters/engines';
import { ledgerName, LedgerSigners } from '#adapters/ledger';
import { contexts } from '#events';
import type { Health, LedgerSettings, Logger } from '#runtime';
import { LedgerKeeper } from './ledger-keeper.ts';

export interface LedgerPartsInit {
  readonly owner: string;
  readonly settings: LedgerSettings;
}

/** The keeper of the audit ledger. */
export function ledgerKeeper({ owner, settings }: LedgerPartsInit, engines: Engines<'log' | 'database'>, logger: Logger, health?: Health): LedgerKeeper {
  const { log, leases, ledger: store, secrets, clock } = engines;
  const now = (): number => clock.now();
  const signersOf = async (count: number): Promise<LedgerSigners> => {
    const name = settings.name ?? (await ledgerName(secrets));
    return settings.keyFile === undefined ? LedgerSigners.fromSecrets(name, secrets, count) : LedgerSigners.fromFile(name, settings.keyFile);
  };
  return new LedgerKeeper(
    { owner, topics: contexts, checkpointMs: settings.checkpointMs, checkpointRecords: settings.checkpointRecords },
    { log, store, leases, signersOf, logger, now, ...(health === undefined ? {} : { health }) },
  );
}
