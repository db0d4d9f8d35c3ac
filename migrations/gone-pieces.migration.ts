import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was removed from the log before it was folded: `asOf` knows nothing of it. Until now an empty piece without a time stood for it. */
export class GonePieces1795806000000 implements MigrationInterface {
  readonly name = 'GonePieces1795806000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE streams.past_pieces ADD COLUMN gone boolean NOT NULL DEFAULT false');
    const now = 'floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint';
    await runner.query(`UPDATE streams.past_pieces SET gone = true, last_recorded_ms = ${now} WHERE last_recorded_ms IS NULL`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}
