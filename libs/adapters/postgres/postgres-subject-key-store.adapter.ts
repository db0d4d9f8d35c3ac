import { OperatingError } from '#kernel';
import {
  SubjectKeyStore,
  type AggregateCommit,
  type Erasures,
  type NewSubjectKey,
  type SubjectKey,
  type SubjectKeyCounts,
  type SubjectLink,
  type UnlinkedQuery,
  type WrappedKey,
} from '#ports';
import { columnArray, textArray } from './array-literal.ts';
import type { Database, Statement, TextResult, TextRow } from './database.ts';
import { commitStatement } from './postgres-aggregate-store.adapter.ts';

const columns = `key_id, tenant, subject, master_id, encode(wrapped, 'hex'), floor(extract(epoch FROM created_at) * 1000)::bigint,
  floor(extract(epoch FROM erased_at) * 1000)::bigint, sealed_name`;

/** How often it is asked again for a key that was erased between two statements. */
const attemptsMax = 5;

/** Keys in `streams.subject_keys`. */
export class PostgresSubjectKeyStore extends SubjectKeyStore {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  override async live(subjects: readonly string[]): Promise<readonly SubjectKey[]> {
    const text = `SELECT ${columns} FROM streams.subject_keys WHERE subject = ANY ($1) AND wrapped IS NOT NULL`;
    return (await this.#database.read({ name: 'live_subject_keys', text, values: [textArray(subjects)] })).rows.map(keyOf);
  }

  override async ensure(keys: readonly NewSubjectKey[]): Promise<readonly SubjectKey[]> {
    // In one order for all, so that no two of them wait for each other.
    const ordered = keys.toSorted((one, other) => (`${one.subject}/${one.tenant}` < `${other.subject}/${other.tenant}` ? -1 : 1));
    const text = `INSERT INTO streams.subject_keys (key_id, subject, master_id, wrapped, tenant, sealed_name)
      SELECT key_id, subject, master_id, decode(wrapped, 'hex'), tenant, sealed_name
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS fresh (key_id, subject, master_id, wrapped, tenant, sealed_name)
      ON CONFLICT (subject, tenant) WHERE wrapped IS NOT NULL DO NOTHING`;
    const values = [
      textArray(ordered.map(({ keyId }) => keyId)),
      textArray(ordered.map(({ subject }) => subject)),
      textArray(ordered.map(({ masterId }) => masterId)),
      textArray(ordered.map(({ wrapped }) => Buffer.from(wrapped).toString('hex'))),
      textArray(ordered.map(({ tenant }) => tenant)),
      columnArray(
        'text',
        ordered.map(({ sealedName }) => sealedName),
      ),
    ];
    const subjects = [...new Set(ordered.map(({ subject }) => subject))];
    const wanted = new Set(ordered.map(({ subject, tenant }) => `${subject}/${tenant}`));
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      await this.#database.read({ name: 'ensure_subject_keys', text, values });
      const found = (await this.live(subjects)).filter(({ subject, tenant }) => wanted.has(`${subject}/${tenant}`));
      if (found.length === wanted.size) return found;
    }
    throw new OperatingError('Keys are erased faster than they are made.', { code: 'DATABASE_CONTENDED', retryable: true });
  }

  override async byId(keyIds: readonly string[]): Promise<readonly SubjectKey[]> {
    const text = `SELECT ${columns} FROM streams.subject_keys WHERE key_id = ANY ($1)`;
    return (await this.#database.read({ name: 'subject_keys_by_id', text, values: [textArray(keyIds)] })).rows.map(keyOf);
  }

  override async ofSubject(subject: string): Promise<readonly SubjectKey[]> {
    const text = `SELECT ${columns} FROM streams.subject_keys WHERE subject = $1 ORDER BY created_at, key_id`;
    return (await this.#database.read({ name: 'keys_of_subject', text, values: [subject] })).rows.map(keyOf);
  }

  override async erase(keyIds: readonly string[], atMs: number, commit: AggregateCommit): Promise<void> {
    await this.#database.transaction(async (run) => {
      await runErase(run, keyIds, atMs);
      const { rows } = await run(commitStatement(commit));
      if (rows[0]?.[0] !== 't') {
        throw new OperatingError('This erasure met another one of the same subject.', { code: 'VERSION_CONFLICT', retryable: true });
      }
    });
    await this.#wipe();
  }

  override async eraseAgain(keyIds: readonly string[], atMs: number): Promise<number> {
    if (keyIds.length === 0) return 0;
    const erased = await this.#database.transaction((run) => runErase(run, keyIds, atMs));
    if (erased > 0) await this.#wipe();
    return erased;
  }

  /** The old versions of the rows hold the keys until then. Whether it succeeds says nothing about the erasure. */
  async #wipe(): Promise<void> {
    await this.#database.run({ text: 'VACUUM streams.subject_keys, streams.subject_links' }).catch(() => undefined);
  }

  override async erasures(last: bigint): Promise<Erasures> {
    const text = `SELECT state.last, array_to_string(ARRAY(SELECT key_id FROM streams.subject_keys WHERE erasure > $1 AND erasure <= state.last ORDER BY erasure), ' ')
      FROM streams.subject_erasures AS state`;
    const { rows } = await this.#database.read({ name: 'erasures', text, values: [String(last)] });
    return { last: BigInt(rows[0]?.[0] ?? 0), keyIds: (rows[0]?.[1] ?? '').split(' ').filter((keyId) => keyId !== '') };
  }

  override async wrappedByOthers(masterId: string, limit: number): Promise<readonly SubjectKey[]> {
    const text = `SELECT ${columns} FROM streams.subject_keys WHERE wrapped IS NOT NULL AND master_id <> $1 ORDER BY key_id LIMIT $2`;
    return (await this.#database.read({ text, values: [masterId, limit] })).rows.map(keyOf);
  }

  override async wrappedBy(masterId: string, limit: number): Promise<readonly SubjectKey[]> {
    const text = `SELECT ${columns} FROM streams.subject_keys WHERE wrapped IS NOT NULL AND master_id = $1 ORDER BY key_id LIMIT $2`;
    return (await this.#database.read({ text, values: [masterId, limit] })).rows.map(keyOf);
  }

  override async rewrap(keyId: string, fromMasterId: string, { masterId, wrapped }: WrappedKey): Promise<boolean> {
    const text = `UPDATE streams.subject_keys SET master_id = $3, wrapped = decode($4, 'hex') WHERE key_id = $1 AND master_id = $2 AND wrapped IS NOT NULL`;
    const values = [keyId, fromMasterId, masterId, Buffer.from(wrapped).toString('hex')];
    return (await this.#database.run({ name: 'rewrap_subject_key', text, values })).count === 1;
  }

  override async counts(): Promise<SubjectKeyCounts> {
    const text = `SELECT master_id, count(*), count(*) FILTER (WHERE wrapped IS NOT NULL AND sealed_name IS NULL AND tenant <> '*')
      FROM streams.subject_keys GROUP BY master_id ORDER BY master_id`;
    const { rows } = await this.#database.read({ text });
    const live = rows.filter(([masterId]) => masterId !== null).map(([masterId, count]) => [masterId ?? '', Number(count)] as const);
    const erased = rows.find(([masterId]) => masterId === null)?.[1] ?? 0;
    const unnamed = rows.reduce((sum, row) => sum + Number(row[2]), 0);
    return { live: live.reduce((sum, [, count]) => sum + count, 0), erased: Number(erased), byMaster: Object.fromEntries(live), unnamed };
  }

  override async link(links: readonly SubjectLink[]): Promise<void> {
    const text = `INSERT INTO streams.subject_links AS known (shared, subject, secret_check)
      SELECT DISTINCT * FROM unnest($1::text[], $2::text[], $3::text[]) AS link (shared, subject, secret_check) ORDER BY shared, subject
      ON CONFLICT (shared, subject) DO UPDATE SET secret_check = excluded.secret_check WHERE known.secret_check IS NULL`;
    const values = [links.map(({ shared }) => shared), links.map(({ subject }) => subject), links.map(({ check }) => check)].map(textArray);
    await this.#database.read({ name: 'link_subjects', text, values });
  }

  override async linked(shared: string): Promise<readonly string[]> {
    const text = 'SELECT subject FROM streams.subject_links WHERE shared = $1 ORDER BY subject';
    return (await this.#database.read({ name: 'linked_subjects', text, values: [shared] })).rows.map(([subject]) => subject ?? '');
  }

  override async name(keys: ReadonlyArray<Pick<NewSubjectKey, 'keyId' | 'sealedName'>>): Promise<void> {
    const text = `UPDATE streams.subject_keys AS key SET sealed_name = named.sealed_name FROM unnest($1::text[], $2::text[]) AS named (key_id, sealed_name)
      WHERE key.key_id = named.key_id AND key.wrapped IS NOT NULL AND key.sealed_name IS NULL`;
    const values = [
      textArray(keys.map(({ keyId }) => keyId)),
      columnArray(
        'text',
        keys.map(({ sealedName }) => sealedName),
      ),
    ];
    await this.#database.read({ name: 'name_subject_keys', text, values });
  }

  override async unlinked({ check, after, limit }: UnlinkedQuery): Promise<readonly SubjectKey[]> {
    const text = `SELECT ${columns} FROM streams.subject_keys AS key WHERE wrapped IS NOT NULL AND sealed_name IS NOT NULL AND key_id > $2
      AND NOT EXISTS (SELECT FROM streams.subject_links AS link WHERE link.subject = key.subject AND link.secret_check = $1) ORDER BY key_id LIMIT $3`;
    return (await this.#database.read({ name: 'unlinked_subject_keys', text, values: [check, after, limit] })).rows.map(keyOf);
  }

  override async noteErased(keys: ReadonlyArray<Pick<SubjectKey, 'keyId' | 'tenant' | 'subject'>>, atMs: number): Promise<void> {
    if (keys.length === 0) return;
    await this.#database.transaction(async (run) => {
      const erasure = await nextErasure(run);
      const text = `INSERT INTO streams.subject_keys (key_id, tenant, subject, created_at, erased_at, erasure)
        SELECT key_id, tenant, subject, to_timestamp($4::double precision / 1000), to_timestamp($4::double precision / 1000), $5
        FROM unnest($1::text[], $2::text[], $3::text[]) AS gone (key_id, tenant, subject) ORDER BY key_id ON CONFLICT (key_id) DO NOTHING`;
      const values = [keys.map(({ keyId }) => keyId), keys.map(({ tenant }) => tenant), keys.map(({ subject }) => subject)].map(textArray);
      await run({ text, values: [...values, String(atMs), erasure] });
    });
  }
}

/** Locked until the transaction ends: see the migration. */
async function nextErasure(run: (statement: Statement) => Promise<TextResult>): Promise<string> {
  return (await run({ text: 'UPDATE streams.subject_erasures SET last = last + 1 RETURNING last' })).rows[0]?.[0] ?? '';
}

async function runErase(run: (statement: Statement) => Promise<TextResult>, keyIds: readonly string[], atMs: number): Promise<number> {
  const erasure = await nextErasure(run);
  const text = `UPDATE streams.subject_keys SET wrapped = NULL, master_id = NULL, sealed_name = NULL, erased_at = to_timestamp($2::double precision / 1000), erasure = $3
    WHERE key_id = ANY ($1) AND wrapped IS NOT NULL`;
  const { count } = await run({ text, values: [textArray(keyIds), String(atMs), erasure] });
  const unlink = `DELETE FROM streams.subject_links AS link WHERE subject IN (SELECT subject FROM streams.subject_keys WHERE key_id = ANY ($1))
    AND NOT EXISTS (SELECT FROM streams.subject_keys AS key WHERE key.subject = link.subject AND key.wrapped IS NOT NULL)`;
  await run({ text: unlink, values: [textArray(keyIds)] });
  return count;
}

function keyOf([keyId, tenant, subject, masterId, wrapped, createdAtMs, erasedAtMs, sealedName]: TextRow): SubjectKey {
  return {
    keyId: keyId ?? '',
    tenant: tenant ?? '',
    subject: subject ?? '',
    key: wrapped === null || wrapped === undefined ? undefined : { masterId: masterId ?? '', wrapped: Buffer.from(wrapped, 'hex') },
    sealedName: sealedName ?? undefined,
    createdAtMs: Number(createdAtMs),
    erasedAtMs: erasedAtMs === null || erasedAtMs === undefined ? undefined : Number(erasedAtMs),
  };
}
