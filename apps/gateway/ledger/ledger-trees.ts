import type { LedgerGap } from '#adapters/ledger';
import { ledgerTreeAggregate, ledgerTreeSubject } from '#domain/operation';
import type { LedgerStore } from '#ports';
import type { CommandExecutor } from '#runtime';
import type { Caller } from '../http/caller.ts';
import { conflict } from '../http/problem.errors.ts';
import type { LedgerReader } from './ledger-reader.ts';

export interface LedgerTreesDeps {
  readonly commands: CommandExecutor;
  readonly store: LedgerStore;
  readonly reader: Pick<LedgerReader, 'gaps'>;
}

/** Begins trees anew whose next records are gone. */
export class LedgerTrees {
  readonly #deps: LedgerTreesDeps;

  constructor(deps: LedgerTreesDeps) {
    this.#deps = deps;
  }

  /** All that stand still. @throws ProblemError 409 when none does */
  async beginAnew(reason: string, caller: Caller): Promise<readonly LedgerGap[]> {
    const { commands, store, reader } = this.#deps;
    const gaps = await reader.gaps();
    if (gaps.length === 0) throw conflict('ledger-goes-on', 'No tree of the audit ledger stands still, and none that goes on is begun anew.');
    for (const { topic, partition, size, low } of gaps) {
      const command = { type: 'BeginLedgerAnew', topic, partition, beginsAt: low, records: size, reason } as const;
      const result = await commands.execute(ledgerTreeAggregate, ledgerTreeSubject(topic, partition), command, caller);
      if (result.refused) throw conflict(result.code, result.message);
      // Said first, and done then: what is begun anew is on the record, whatever happens in between.
      await store.beginAnew({ topic, partition, size }, low);
    }
    return gaps;
  }
}
