import { ledgerKeyAggregate, ledgerKeySubject } from '#domain/operation';
import type { LedgerStore } from '#ports';
import type { CommandExecutor } from '#runtime';
import type { Caller } from '../http/caller.ts';
import { conflict } from '../http/problem.errors.ts';

export interface LedgerKeysDeps {
  readonly commands: CommandExecutor;
  readonly store: LedgerStore;
}

/** Replaces the signing key of the ledger. The key itself is made by who signs. */
export class LedgerKeys {
  readonly #fromFile: boolean;
  readonly #deps: LedgerKeysDeps;

  constructor(fromFile: boolean, deps: LedgerKeysDeps) {
    this.#fromFile = fromFile;
    this.#deps = deps;
  }

  /** @returns how many keys the ledger has had then. @throws ProblemError 409 when the keys come from a file, or there were too many. */
  async rotate(reason: string, caller: Caller): Promise<number> {
    if (this.#fromFile) throw conflict('keys-from-file', 'The keys of the ledger come from LEDGER_KEY_FILE: add one at its end, and restart the projectors.');
    const { commands, store } = this.#deps;
    const result = await commands.execute(ledgerKeyAggregate, ledgerKeySubject, { type: 'RotateLedgerKey', reason }, caller);
    if (result.refused) throw conflict(result.code, result.message);
    // Also what an earlier request could not finish.
    for (let count = await store.keyCount(); count < result.state.number; count = await store.keyCount()) await store.addKey(count);
    return result.state.number;
  }
}
