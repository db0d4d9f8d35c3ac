import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Erasures of other regions that wait for the secret by which they name their subjects; and what it takes to name subjects by
 * another secret than the one before: their names, each encrypted under its own key and gone with it, and by which secret a
 * link was made.
 */
export class KeptErasures1795729400000 implements MigrationInterface {
  readonly name = 'KeptErasures1795729400000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE streams.subject_keys ADD COLUMN sealed_name text COLLATE "C"');
    await runner.query('ALTER TABLE streams.subject_links ADD COLUMN secret_check text COLLATE "C"');
    await runner.query('CREATE INDEX subject_links_subject ON streams.subject_links (subject, secret_check)');
    await runner.query(`
      CREATE TABLE streams.kept_erasures (
        place bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
        event_id text COLLATE "C" PRIMARY KEY,
        origin text NOT NULL,
        subject text COLLATE "C" NOT NULL,
        secret_check text COLLATE "C" NOT NULL,
        heard_at_ms bigint NOT NULL,
        erasure json NOT NULL
      )`);
    // How they ended could not be put on record, because no id begins like that: they were tried again for ever.
    await runner.query(
      "UPDATE streams.effects SET lane = 'subject:' || lane, starts = 0 WHERE kind = 'subject-erasure' AND state = 'pending' AND lane ~ '^[-_]'",
    );
    await runner.query('CREATE INDEX kept_erasures_subject ON streams.kept_erasures (origin, subject)');
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}
