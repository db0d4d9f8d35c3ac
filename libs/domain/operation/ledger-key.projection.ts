import { ledgerBegunAnew, ledgerKeyRotated, type DomainEvent } from '#events';
import type { Projection, RowChange, TableSpec } from '#kernel';
import { ignoredBut } from './operation-types.ts';

/** One row per key that the audit ledger got after its first. */
export const ledgerKeyTable: TableSpec = {
  name: 'ledger_key',
  key: { number: 'integer' },
  columns: {
    reason: { type: 'text', join: 'once' },
    actor: { type: 'text', join: 'once' },
    rotated_at_ms: { type: 'bigint', join: 'min' },
  },
};

function project(event: DomainEvent): readonly RowChange[] {
  if (event.type !== ledgerKeyRotated.type) return [];
  const { number, reason } = event.data;
  return [{ table: ledgerKeyTable.name, key: { number }, set: { reason, actor: event.actor, rotated_at_ms: BigInt(event.time) } }];
}

/** Of trees that were begun anew the ledger itself is the read model, in their origins; here such an event is read so that none lies on the log that nobody can read. */
const handles: readonly string[] = [ledgerKeyRotated.type, ledgerBegunAnew.type];

/** Since when the audit ledger has which key, and why. */
export const ledgerKeysProjection: Projection<DomainEvent> = {
  name: 'ledger_keys',
  version: 1,
  contexts: ['operation'],
  handles,
  ignores: ignoredBut(handles),
  tables: [ledgerKeyTable],
  project,
};
