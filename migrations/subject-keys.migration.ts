import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Keys of the subjects of personal fields. An erased key leaves its row, without the key: what it encrypted is told from
 * what was never encrypted here.
 */
export class SubjectKeys1795708800000 implements MigrationInterface {
  readonly name = 'SubjectKeys1795708800000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE streams.subject_keys (
        key_id text COLLATE "C" PRIMARY KEY,
        tenant text COLLATE "C" NOT NULL,
        subject text COLLATE "C" NOT NULL,
        master_id text COLLATE "C",
        wrapped bytea,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        erased_at timestamptz,
        erasure bigint,
        CHECK ((wrapped IS NULL) = (erased_at IS NOT NULL) AND (wrapped IS NULL) = (master_id IS NULL) AND (wrapped IS NULL) = (erasure IS NOT NULL))
      )`);
    await runner.query('CREATE UNIQUE INDEX subject_keys_live ON streams.subject_keys (subject, tenant) WHERE wrapped IS NOT NULL');
    await runner.query('CREATE INDEX subject_keys_subject ON streams.subject_keys (subject)');
    await runner.query('CREATE INDEX subject_keys_erasure ON streams.subject_keys (erasure) WHERE erasure IS NOT NULL');
    // One row: erasures commit in the order of their numbers, so that nobody who asks for those after a number misses one.
    await runner.query('CREATE TABLE streams.subject_erasures (last bigint NOT NULL)');
    await runner.query('INSERT INTO streams.subject_erasures VALUES (0)');
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}
