import type { MigrationInterface, QueryRunner } from 'typeorm';

/** By what other regions name a subject: keyed hashes, both of them, so that nobody can tell or try who it is. */
export class SubjectLinks1795724000000 implements MigrationInterface {
  readonly name = 'SubjectLinks1795724000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE streams.subject_links (
        shared text COLLATE "C" NOT NULL,
        subject text COLLATE "C" NOT NULL,
        PRIMARY KEY (shared, subject)
      )`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}
