import { LedgerSigners } from '#adapters/ledger';
import { contexts } from '#events';
import type { EventLog, LedgerCheckpoint, LedgerStore, SecretStore } from '#ports';
import { pino } from 'pino';
import { Checkpointer } from '../../apps/projector/ledger/checkpointer.ts';
import { LedgerAppender } from '../../apps/projector/ledger/ledger-appender.ts';

const silent = pino({ level: 'silent' });
let epochs = 0n;

/** Takes the whole log into the ledger and signs it, as the projector does. */
export async function keepLedger(
  { log, store, secrets }: { readonly log: EventLog; readonly store: LedgerStore; readonly secrets: SecretStore },
  topics: readonly string[] = contexts,
): Promise<readonly LedgerCheckpoint[]> {
  const appender = new LedgerAppender({ topics, epoch: ++epochs }, { log, store, logger: silent, now: Date.now });
  while ((await appender.catchUp(new AbortController().signal)) > 0);
  const checkpointer = new Checkpointer({ store, signersOf: (count) => LedgerSigners.fromSecrets('ledger.example', secrets, count) });
  return checkpointer.sign(appender.ledgers);
}
