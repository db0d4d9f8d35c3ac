import { formatApiKey, keyAggregate, type Scope } from '#domain/access';
import { base32Of } from '#domain/stream';
import type { CommandExecutor, CommandMeta } from '#runtime';
import { badRequest, notFound } from '../http/problem.errors.ts';
import { hashOf, randomId, randomSecret } from './secrets.ts';

export interface IssuedKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** ms since the Unix epoch; 0 for never. */
  readonly expiresAtMs: number;
  /** The key itself; nobody can show it again. */
  readonly key: string;
}

export interface KeyRequest {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAtMs: number;
}

/** Issues and revokes API keys. The secret is made here and kept as a hash only. */
export class KeyIssuer {
  readonly #commands: CommandExecutor;

  constructor(commands: CommandExecutor) {
    this.#commands = commands;
  }

  async issue(request: KeyRequest, meta: CommandMeta): Promise<IssuedKey> {
    return this.issueAs(`k-${base32Of(randomId())}`, request, meta);
  }

  /** @throws ProblemError 400 when the rules refuse the request, or when the id is taken. */
  async issueAs(keyId: string, request: KeyRequest, meta: CommandMeta): Promise<IssuedKey> {
    const secret = randomSecret();
    const result = await this.#commands.execute(keyAggregate, keyId, { type: 'IssueKey', keyId, ...request, secretHash: hashOf(secret) }, meta);
    if (result.refused) throw badRequest(result.code, result.message);
    return { id: keyId, ...request, key: formatApiKey({ keyId, secret }) };
  }

  async revoke(keyId: string, reason: string, meta: CommandMeta): Promise<void> {
    const result = await this.#commands.execute(keyAggregate, keyId, { type: 'RevokeKey', keyId, reason }, meta);
    if (result.refused) throw notFound(result.code, result.message);
  }
}
