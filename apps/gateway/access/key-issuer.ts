import { formatApiKey, keyAggregate, tenantOfGrant, type KeyGrant } from '#domain/access';
import { base32Of } from '#domain/stream';
import type { Clock } from '#ports';
import type { CommandExecutor, CommandMeta } from '#runtime';
import { badRequest, conflict, notFound } from '../http/problem.errors.ts';
import { hashOf, randomId, randomSecret } from './secrets.ts';

export interface IssuedKey extends KeyGrant {
  readonly id: string;
  /** The key itself; nobody can show it again. */
  readonly key: string;
}

export interface RotatedKey {
  readonly key: string;
  /** When the secret before stops working, ms since the Unix epoch. */
  readonly previousUntilMs: number;
}

/** Issues, rotates and revokes API keys. Secrets are made here and kept as hashes only. */
export class KeyIssuer {
  readonly #commands: CommandExecutor;
  readonly #clock: Clock;

  constructor(commands: CommandExecutor, clock: Clock) {
    this.#commands = commands;
    this.#clock = clock;
  }

  async issue(grant: KeyGrant, meta: CommandMeta): Promise<IssuedKey> {
    return this.issueAs(`k-${base32Of(randomId())}`, grant, meta);
  }

  /** @throws ProblemError 400 when the rules refuse the grant, or when the id is taken. */
  async issueAs(keyId: string, grant: KeyGrant, meta: CommandMeta): Promise<IssuedKey> {
    const secret = randomSecret();
    const command = { type: 'IssueKey', keyId, ...grant, secretHash: hashOf(secret) } as const;
    // The key is its tenant's, whoever issues it.
    const result = await this.#commands.execute(keyAggregate, keyId, command, { ...meta, tenant: tenantOfGrant(grant) });
    if (result.refused) throw badRequest(result.code, `body.${result.message}`);
    return { id: keyId, ...grant, key: formatApiKey({ keyId, secret }) };
  }

  /** @throws ProblemError 404 for a key that the caller cannot see, 409 for one that has ended. */
  async rotate(keyId: string, { overlapMs, reason }: { readonly overlapMs: number; readonly reason: string }, meta: CommandMeta): Promise<RotatedKey> {
    const secret = randomSecret();
    const nowMs = this.#clock.now();
    const command = { type: 'RotateKey', keyId, secretHash: hashOf(secret), nowMs, overlapMs, reason } as const;
    const result = await this.#commands.execute(keyAggregate, keyId, command, meta);
    if (!result.refused) return { key: formatApiKey({ keyId, secret }), previousUntilMs: nowMs + overlapMs };
    throw result.code === 'unknown-key' ? notFound(result.code, result.message) : conflict(result.code, result.message);
  }

  async revoke(keyId: string, reason: string, meta: CommandMeta): Promise<void> {
    const result = await this.#commands.execute(keyAggregate, keyId, { type: 'RevokeKey', keyId, reason }, meta);
    if (result.refused) throw notFound(result.code, result.message);
  }
}
