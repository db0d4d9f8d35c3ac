import { ledgerBegunAnew, type DraftOf } from '#events';
import { accept, refuse, type Decider, type Decision } from '#kernel';

export interface BeginLedgerAnew {
  readonly type: 'BeginLedgerAnew';
  readonly topic: string;
  readonly partition: number;
  /** Where the log begins. */
  readonly beginsAt: bigint;
  /** Of the tree that is given up. */
  readonly records: number;
  readonly reason: string;
}

export type LedgerTreeDraft = DraftOf<typeof ledgerBegunAnew>;

/** Where the tree of a partition begins. */
export interface LedgerTreeState {
  readonly beginsAt: string;
}

export function ledgerTreeSubject(topic: string, partition: number): string {
  return `${topic}/${partition}/ledger`;
}

/** A tree that begins at an offset is a function of the log: begun there a second time it is the same one. */
function decide({ topic, partition, beginsAt, records, reason }: BeginLedgerAnew, state: LedgerTreeState): Decision<LedgerTreeDraft> {
  if (beginsAt < BigInt(state.beginsAt))
    return refuse('ledger-begins-later', `The tree of ${topic}/${partition} was begun anew at offset ${state.beginsAt}, and the log begins at ${beginsAt}.`);
  return accept<LedgerTreeDraft>(ledgerBegunAnew.draft({ topic, partition, beginsAt: String(beginsAt), records, reason }));
}

function evolve(_state: LedgerTreeState, event: LedgerTreeDraft): LedgerTreeState {
  return { beginsAt: event.data.beginsAt };
}

export const ledgerTreeDecider: Decider<LedgerTreeState, BeginLedgerAnew, LedgerTreeDraft> = { initialState: { beginsAt: '0' }, decide, evolve };

export const ledgerTreeAggregate = { context: 'operation', decider: ledgerTreeDecider } as const;
