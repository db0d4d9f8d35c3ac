import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Builds of read models beside those that serve. `schema_name` is where the tables are now: a build that is promoted takes
 * the schema of its version, and what stood there moves to one of its own. Positions of a build stand apart from the
 * checkpoints of the consumer host until the two change places.
 */
export class ProjectionBuilds1795690000000 implements MigrationInterface {
  readonly name = 'ProjectionBuilds1795690000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [builds, positions]) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations go forward only.'));
  }
}

const builds = `
  CREATE TABLE streams.projection_builds (
    build text COLLATE "C" PRIMARY KEY,
    projection text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    schema_name text COLLATE "C" NOT NULL,
    tables jsonb NOT NULL,
    whole boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('building', 'serving', 'kept', 'dropped')),
    epoch bigint NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    kept_at timestamptz,
    replaced text COLLATE "C",
    progress jsonb,
    difference jsonb
  );
  CREATE INDEX projection_builds_made ON streams.projection_builds (projection, made_at);
  CREATE UNIQUE INDEX projection_builds_serving ON streams.projection_builds (projection) WHERE state = 'serving'`;

const positions = `
  CREATE TABLE streams.build_positions (
    build text COLLATE "C" NOT NULL REFERENCES streams.projection_builds ON DELETE CASCADE,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    first bigint NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (build, topic, partition)
  ) WITH (fillfactor = 50)`;
