import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What stands for a subject in other regions outlived its keys: who has the regions' secret could try names on it. It ends with them. */
export class EndedLinks1795757400000 implements MigrationInterface {
  readonly name = 'EndedLinks1795757400000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM streams.subject_links AS link
      WHERE NOT EXISTS (SELECT FROM streams.subject_keys AS key WHERE key.subject = link.subject AND key.wrapped IS NOT NULL)`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}
