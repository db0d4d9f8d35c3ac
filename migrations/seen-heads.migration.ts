import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * How far the heads are known to have seen each partition of the log. It lags behind: what it names, and all before it, is in the
 * heads for certain. Where nothing is known, the log is folded from its beginning, should the database turn out to be older than it.
 */
export class SeenHeads1795791600000 implements MigrationInterface {
  readonly name = 'SeenHeads1795791600000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE streams.restored_heads ADD COLUMN position bigint');
    await runner.query('ALTER TABLE streams.restored_heads SET (fillfactor = 50)');
    await runner.query(effectsOver);
    await runner.query(isOver);
    await runner.query('CREATE TRIGGER is_over BEFORE INSERT ON streams.effects FOR EACH ROW EXECUTE FUNCTION streams.effect_is_over()');
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}

/** Effects that the log knows to be over and the ledger of effects does not have yet: reactors come to their events again. */
const effectsOver = `
  CREATE TABLE streams.effects_over (
    key text COLLATE "C" PRIMARY KEY,
    outcome text NOT NULL CHECK (outcome IN ('succeeded', 'failed', 'abandoned'))
  )`;

const isOver = `
  CREATE FUNCTION streams.effect_is_over() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE
    v_outcome text;
  BEGIN
    DELETE FROM streams.effects_over WHERE key = NEW.key RETURNING outcome INTO v_outcome;
    IF FOUND THEN
      NEW.state := v_outcome;
      NEW.ended_at := clock_timestamp();
    END IF;
    RETURN NEW;
  END $$`;
