import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a build that was rolled back made room for: a roll-back that was done is told from one that cannot be done. */
export class RolledBackBuilds1795723200000 implements MigrationInterface {
  readonly name = 'RolledBackBuilds1795723200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE streams.projection_builds ADD COLUMN rolled_back_to integer');
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}
