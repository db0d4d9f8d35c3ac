import { defaultTenant, keyAggregate } from '#domain/access';
import type { AggregateStore } from '#ports';
import type { CommandMeta } from '#runtime';
import { ProblemError } from '../http/problem.errors.ts';
import type { IssuedKey, KeyIssuer } from './key-issuer.ts';

/** Fixed, so that of two first starts at once only one makes the key. */
export const adminKeyId = 'k-admin';

/** Issues the first admin key; undefined when there has been one ever before: it is shown once, and a lost one is not made again. */
export async function ensureAdminKey(aggregates: AggregateStore, issuer: KeyIssuer, meta: CommandMeta): Promise<IssuedKey | undefined> {
  if ((await aggregates.load(keyAggregate.context, adminKeyId)) !== undefined) return undefined;
  try {
    return await issuer.issueAs(
      adminKeyId,
      { name: 'admin', scopes: ['admin'], tenant: defaultTenant, contexts: null, expiresAtMs: 0, ratePerMinute: null },
      meta,
    );
  } catch (error) {
    if (error instanceof ProblemError && error.init.code === 'key-exists') return undefined;
    throw error;
  }
}
