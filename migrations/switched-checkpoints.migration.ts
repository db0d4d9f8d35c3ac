import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whether rows and parked events were exchanged under the owner of a checkpoint, which then has to claim it anew. */
export class SwitchedCheckpoints1795795200000 implements MigrationInterface {
  readonly name = 'SwitchedCheckpoints1795795200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE streams.checkpoints ADD COLUMN switched boolean NOT NULL DEFAULT false');
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}
