import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The signed list of all trees of the audit ledger, as they stood at the last signing: one row. */
export class LedgerTreeList1795719600000 implements MigrationInterface {
  readonly name = 'LedgerTreeList1795719600000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE streams.ledger_tree_list (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        records bigint NOT NULL CHECK (records > 0),
        note text NOT NULL
      )`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}
