import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Remembers the partitions of the log from which this database's missing heads were restored. */
export class RestoredHeads1795395600000 implements MigrationInterface {
  readonly name = 'RestoredHeads1795395600000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE streams.restored_heads (
        context text COLLATE "C" NOT NULL,
        partition integer NOT NULL,
        restored_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (context, partition)
      )`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}
