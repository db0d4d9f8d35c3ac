import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Where the rows of a partition begin: what was before had been removed from the log. Of those that there are, nobody knows that they lack anything. */
export class BegunRows1795813200000 implements MigrationInterface {
  readonly name = 'BegunRows1795813200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE streams.checkpoints ADD COLUMN first bigint NOT NULL DEFAULT 0');
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}
