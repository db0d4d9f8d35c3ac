import { ledgerKeyRotated, type DraftOf } from '#events';
import { accept, refuse, type Decider, type Decision } from '#kernel';

export interface RotateLedgerKey {
  readonly type: 'RotateLedgerKey';
  readonly reason: string;
}

export type LedgerKeyDraft = DraftOf<typeof ledgerKeyRotated>;

/** How many keys the audit ledger has had. */
export interface LedgerKeyState {
  readonly number: number;
}

/** The one aggregate of its kind. */
export const ledgerKeySubject = 'ledger';

/** Every key signs the list of keys, and each of them is made from a secret of its own. */
const keysMax = 64;

function decide({ reason }: RotateLedgerKey, { number }: LedgerKeyState): Decision<LedgerKeyDraft> {
  if (number >= keysMax) return refuse('too-many-keys', `The audit ledger has had ${keysMax} keys; a ledger of another name (LEDGER_NAME) begins anew.`);
  return accept<LedgerKeyDraft>(ledgerKeyRotated.draft({ number: number + 1, reason }));
}

function evolve(_state: LedgerKeyState, event: LedgerKeyDraft): LedgerKeyState {
  return { number: event.data.number };
}

export const ledgerKeyDecider: Decider<LedgerKeyState, RotateLedgerKey, LedgerKeyDraft> = { initialState: { number: 1 }, decide, evolve };

export const ledgerKeyAggregate = { context: 'operation', decider: ledgerKeyDecider } as const;
