import { SecretStore } from '#ports';
import { randomBytes } from 'node:crypto';
import type { Database } from './database.ts';

/** Secrets in a table that read models know nothing of. */
export class PostgresSecretStore extends SecretStore {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  /** Of many who ask first, one makes it; the others take what it made. */
  override async secret(name: string): Promise<Uint8Array> {
    const insert = 'INSERT INTO streams.secrets (name, secret) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING';
    await this.#database.read({ text: insert, values: [name, randomBytes(32)] });
    return (await this.known(name)) ?? Buffer.alloc(0);
  }

  override async known(name: string): Promise<Uint8Array | undefined> {
    const { rows } = await this.#database.read({ text: "SELECT encode(secret, 'hex') FROM streams.secrets WHERE name = $1", values: [name] });
    const secret = rows[0]?.[0];
    return typeof secret === 'string' ? Buffer.from(secret, 'hex') : undefined;
  }

  override async forget(name: string): Promise<void> {
    await this.#database.read({ text: 'DELETE FROM streams.secrets WHERE name = $1', values: [name] });
  }
}
