import { LeaseStore, type Lease, type LeaseView } from '#ports';
import type { Database } from './database.ts';

/** The database's clock decides: owners whose clocks disagree still agree on what has expired. */
const inMs = (parameter: string) => `clock_timestamp() + ${parameter}::double precision * interval '1 ms'`;

/** Leases in `streams.leases`. */
export class PostgresLeaseStore extends LeaseStore {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  override async acquire(name: string, owner: string, ttlMs: number, above = 0n): Promise<Lease | undefined> {
    const text = `
      INSERT INTO streams.leases AS held (name, owner, epoch, expires_at) VALUES ($1, $2, $4::bigint + 1, ${inMs('$3')})
      ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, epoch = greatest(held.epoch, $4::bigint) + 1, expires_at = ${inMs('$3')}
      WHERE held.owner = excluded.owner OR held.expires_at <= clock_timestamp()
      RETURNING epoch`;
    const { rows } = await this.#database.run({ name: 'acquire_lease', text, values: [name, owner, ttlMs, String(above)] });
    const epoch = rows[0]?.[0];
    return epoch === undefined || epoch === null ? undefined : { name, owner, epoch: BigInt(epoch) };
  }

  override async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    const text = `UPDATE streams.leases SET expires_at = ${inMs('$3')} WHERE name = $1 AND epoch = $2 AND expires_at > '-infinity'`;
    const { count } = await this.#database.run({ name: 'renew_lease', text, values: [lease.name, String(lease.epoch), ttlMs] });
    return count === 1;
  }

  override async renewAll(leases: readonly Lease[], ttlMs: number): Promise<readonly boolean[]> {
    if (leases.length === 0) return [];
    const text = `
      UPDATE streams.leases AS held SET expires_at = ${inMs('$3')}
      FROM unnest($1::text[], $2::bigint[]) AS asked (name, epoch)
      WHERE held.name = asked.name AND held.epoch = asked.epoch AND held.expires_at > '-infinity' RETURNING held.name, held.epoch`;
    const values = [leases.map(({ name }) => name), leases.map(({ epoch }) => String(epoch)), ttlMs];
    const { rows } = await this.#database.run({ name: 'renew_leases', text, values });
    const renewed = new Set(rows.map(([name, epoch]) => `${epoch}/${name}`));
    return leases.map(({ name, epoch }) => renewed.has(`${epoch}/${name}`));
  }

  override async release(lease: Lease): Promise<void> {
    const text = `UPDATE streams.leases SET expires_at = '-infinity' WHERE name = $1 AND epoch = $2`;
    await this.#database.run({ name: 'release_lease', text, values: [lease.name, String(lease.epoch)] });
  }

  override async forget(lease: Lease): Promise<void> {
    await this.#database.run({ text: 'DELETE FROM streams.leases WHERE name = $1 AND epoch = $2', values: [lease.name, String(lease.epoch)] });
  }

  override async list(prefix: string): Promise<readonly LeaseView[]> {
    const text = `
      SELECT name, owner, epoch, expires_at <= clock_timestamp() FROM streams.leases
      WHERE starts_with(name, $1) AND expires_at > '-infinity' ORDER BY name`;
    const { rows } = await this.#database.read({ name: 'list_leases', text, values: [prefix] });
    return rows.map(([name, owner, epoch, expired]) => ({ name: name ?? '', owner: owner ?? '', epoch: BigInt(epoch ?? 0), expired: expired === 't' }));
  }
}
