import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Where events lie that a projection could not take when a piece of its past was folded: it is folded anew once it can. */
export class LackingPieces1795802400000 implements MigrationInterface {
  readonly name = 'LackingPieces1795802400000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE streams.past_pieces ADD COLUMN lacks bigint[] NOT NULL DEFAULT '{}'`);
    await runner.query(`CREATE INDEX past_pieces_lacking ON streams.past_pieces (log, projection, version, piece) WHERE lacks <> '{}'`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}
