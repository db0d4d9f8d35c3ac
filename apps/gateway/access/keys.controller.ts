import { apiKeyTable, grantRefusal, seesEveryTenant, type KeyGrant } from '#domain/access';
import { Clock, ReadStore, type ReadCondition, type ReadRow } from '#ports';
import { Controller } from '@nestjs/common';
import { ByCaller, type Caller } from '../http/caller.ts';
import { isoTime } from '../http/fields.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { notFound, ProblemError } from '../http/problem.errors.ts';
import { KeyAuthority } from './key-authority.ts';
import { KeyIssuer } from './key-issuer.ts';
import { issueKey, listKeys, revokeKey, rotateKey } from './keys.contract.ts';
import { Tenants } from './tenants.ts';
import { grantedPerMinute } from './rates.constants.ts';

function expiryOf(ms: unknown): string | null {
  return Number(ms ?? 0) === 0 ? null : isoTime(Number(ms));
}

function viewOf(row: ReadRow): object {
  return {
    id: row['key_id'],
    name: row['name'],
    tenant: row['tenant'],
    scopes: row['scopes'],
    contexts: row['contexts'],
    ratePerMinute: row['rate_per_minute'],
    issuedAt: isoTime(row['issued_at_ms'] as bigint | null),
    issuedBy: row['issued_by'],
    expiresAt: expiryOf(row['expires_at_ms']),
    rotatedAt: isoTime(row['rotated_at_ms'] as bigint | null),
    revokedAt: isoTime(row['revoked_at_ms'] as bigint | null),
  };
}

@Controller()
export class KeysController {
  readonly #issuer: KeyIssuer;
  readonly #authority: KeyAuthority;
  readonly #tenants: Tenants;
  readonly #reads: ReadStore;
  readonly #clock: Clock;

  constructor(issuer: KeyIssuer, authority: KeyAuthority, tenants: Tenants, reads: ReadStore, clock: Clock) {
    this.#issuer = issuer;
    this.#authority = authority;
    this.#tenants = tenants;
    this.#reads = reads;
    this.#clock = clock;
  }

  @Route(issueKey)
  async issue(@Input(issueKey) { body }: InputOf<typeof issueKey>, @ByCaller() caller: Caller): Promise<object> {
    const { principal } = caller;
    const grant: KeyGrant = {
      name: body.name,
      scopes: body.scopes,
      tenant: body.tenant ?? principal.tenant,
      contexts: body.contexts ?? principal.contexts ?? null,
      expiresAtMs: body.ttlSeconds === undefined ? 0 : this.#clock.now() + body.ttlSeconds * 1000,
      ratePerMinute: body.ratePerMinute ?? null,
    };
    const refusal = grantRefusal(principal, grant, grantedPerMinute) ?? (await this.#tenants.absent(grant.tenant));
    if (refusal?.code === 'unknown-tenant') throw notFound(refusal.code, refusal.message);
    if (refusal !== undefined) throw new ProblemError({ status: 403, code: refusal.code, detail: refusal.message });
    const { id, key } = await this.#issuer.issue(grant, caller);
    this.#authority.forget(id);
    const { expiresAtMs, ...shown } = grant;
    return { id, ...shown, expiresAt: expiryOf(expiresAtMs), key };
  }

  @Route(listKeys)
  async list(@Input(listKeys) { query }: InputOf<typeof listKeys>, @ByCaller() { principal }: Caller): Promise<object> {
    const where: ReadCondition[] = [{ column: 'issued_at_ms', is: 'gte', value: 0n }];
    if (query.tenant !== undefined) where.push({ column: 'tenant', is: 'eq', value: query.tenant });
    if (!seesEveryTenant(principal)) where.push({ column: 'tenant', is: 'eq', value: principal.tenant });
    const rows = await this.#reads.select(apiKeyTable, { where, orderBy: [{ column: 'issued_at_ms', descending: true }], limit: query.limit });
    return { items: rows.map(viewOf) };
  }

  @Route(rotateKey)
  async rotate(@Input(rotateKey) { params, body }: InputOf<typeof rotateKey>, @ByCaller() caller: Caller): Promise<object> {
    const asked = { overlapMs: body.overlapSeconds * 1000, reason: body.reason };
    const { key, previousUntilMs } = await this.#issuer.rotate(params.id, asked, caller);
    this.#authority.forget(params.id);
    return { id: params.id, key, previousUntil: body.overlapSeconds === 0 ? null : isoTime(previousUntilMs) };
  }

  @Route(revokeKey)
  async revoke(@Input(revokeKey) input: InputOf<typeof revokeKey>, @ByCaller() caller: Caller): Promise<void> {
    await this.#issuer.revoke(input.params.id, input.query.reason || `by ${caller.actor}`, caller);
    this.#authority.forget(input.params.id);
  }
}
