import type { MigrationInterface, QueryRunner } from 'typeorm';

/** At which offset a tree of the audit ledger begins: 0, but where what was before is gone and the tree was begun anew. It is in the tree's origin. */
export class LedgerBegins1795809600000 implements MigrationInterface {
  readonly name = 'LedgerBegins1795809600000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE streams.ledger_trees ADD COLUMN begins_at bigint NOT NULL DEFAULT 0');
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}
