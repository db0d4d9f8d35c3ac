import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The one event log whose offsets are in this database. */
export class BoundLog1795700400000 implements MigrationInterface {
  readonly name = 'BoundLog1795700400000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE streams.bound_log (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        log text NOT NULL,
        bound_at timestamptz NOT NULL DEFAULT now()
      )`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}
