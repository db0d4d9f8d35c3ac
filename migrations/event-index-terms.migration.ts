import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Up to when, by the time of record, an event may have a term: terms go with the last of their events. Those that there are go with the index's old version. */
export class EventIndexTerms1795716000000 implements MigrationInterface {
  readonly name = 'EventIndexTerms1795716000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE streams.event_index_terms ADD COLUMN used_until bigint NOT NULL DEFAULT 0');
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}
