import { apiKeyTable, type Scope } from '#domain/access';
import { Clock, ReadStore, type ReadRow } from '#ports';
import { Controller } from '@nestjs/common';
import { ByCaller, type Caller } from '../http/caller.ts';
import { isoTime } from '../http/fields.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { KeyAuthority } from './key-authority.ts';
import { KeyIssuer } from './key-issuer.ts';
import { issueKey, listKeys, revokeKey } from './keys.contract.ts';

function viewOf(row: ReadRow): object {
  return {
    id: row['key_id'],
    name: row['name'],
    scopes: row['scopes'],
    issuedAt: isoTime(row['issued_at_ms'] as bigint | null),
    expiresAt: Number(row['expires_at_ms'] ?? 0) === 0 ? null : isoTime(row['expires_at_ms'] as bigint),
    revokedAt: isoTime(row['revoked_at_ms'] as bigint | null),
  };
}

@Controller()
export class KeysController {
  readonly #issuer: KeyIssuer;
  readonly #authority: KeyAuthority;
  readonly #reads: ReadStore;
  readonly #clock: Clock;

  constructor(issuer: KeyIssuer, authority: KeyAuthority, reads: ReadStore, clock: Clock) {
    this.#issuer = issuer;
    this.#authority = authority;
    this.#reads = reads;
    this.#clock = clock;
  }

  @Route(issueKey)
  async issue(@Input(issueKey) input: InputOf<typeof issueKey>, @ByCaller() caller: Caller): Promise<object> {
    const { name, ttlSeconds } = input.body;
    const scopes: readonly Scope[] = input.body.scopes;
    const expiresAtMs = ttlSeconds === undefined ? 0 : this.#clock.now() + ttlSeconds * 1000;
    const issued = await this.#issuer.issue({ name, scopes, expiresAtMs }, caller);
    this.#authority.forget(issued.id);
    return { id: issued.id, name, scopes, expiresAt: expiresAtMs === 0 ? null : isoTime(expiresAtMs), key: issued.key };
  }

  @Route(listKeys)
  async list(@Input(listKeys) input: InputOf<typeof listKeys>): Promise<object> {
    const rows = await this.#reads.select(apiKeyTable, {
      where: [{ column: 'issued_at_ms', is: 'gte', value: 0n }],
      orderBy: [{ column: 'issued_at_ms', descending: true }],
      limit: input.query.limit,
    });
    return { items: rows.map(viewOf) };
  }

  @Route(revokeKey)
  async revoke(@Input(revokeKey) input: InputOf<typeof revokeKey>, @ByCaller() caller: Caller): Promise<void> {
    await this.#issuer.revoke(input.params.id, `by ${caller.actor}`, caller);
    this.#authority.forget(input.params.id);
  }
}
