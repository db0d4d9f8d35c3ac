import { DataSource } from 'typeorm';
import { migrations } from './migrations.ts';

/** The platform's database as TypeORM sees it. Hot paths use `pg` directly. */
export function makeDataSource(databaseUrl: string): DataSource {
  return new DataSource({
    type: 'postgres',
    url: databaseUrl,
    schema: 'streams',
    migrations: [...migrations],
    migrationsTableName: 'migrations',
    // Nothing of ours uses its uuid functions, and creating an extension needs rights that a cluster may not give.
    installExtensions: false,
    synchronize: false,
    logging: false,
    poolSize: 2,
  });
}
