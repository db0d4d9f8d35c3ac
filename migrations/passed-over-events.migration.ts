import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a build has passed over, counted with the very position behind it. */
export class PassedOverEvents1795798800000 implements MigrationInterface {
  readonly name = 'PassedOverEvents1795798800000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE streams.build_positions ADD COLUMN skipped bigint NOT NULL DEFAULT 0, ADD COLUMN poisoned jsonb NOT NULL DEFAULT '[]'`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}
