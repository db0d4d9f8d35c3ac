import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Secrets that all processes share, such as the one that signs resume tokens. */
export class Secrets1795669200000 implements MigrationInterface {
  readonly name = 'Secrets1795669200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE streams.secrets (
        name text COLLATE "C" PRIMARY KEY,
        secret bytea NOT NULL,
        made_at timestamptz NOT NULL DEFAULT now()
      )`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}
