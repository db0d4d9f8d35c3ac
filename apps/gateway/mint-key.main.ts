import { openEngines } from '#adapters/engines';
import { CommandExecutor, readSharedSettings } from '#runtime';
import { runMigrations } from '#migrations';
import { ensureAdminKey } from './access/admin-key.ts';
import { KeyIssuer } from './access/key-issuer.ts';
import { readMintKeyRequest } from './mint-key.config.ts';

/**
 * Issues an API key where there is none to ask with, and prints it as one line of JSON: `{id, name, scopes, expiresAtMs, key}`,
 * or `null` when `--first-admin` finds that the first admin key was issued before.
 */
async function mintKey(): Promise<void> {
  const request = readMintKeyRequest();
  await runMigrations(request.databaseUrl);
  const engines = await openEngines(readSharedSettings(), 'database');
  try {
    const { aggregates, clock, ids } = engines;
    const issuer = new KeyIssuer(new CommandExecutor({ aggregates, clock, ids, source: `/streams/${request.node}` }), clock);
    const meta = { actor: 'system:streams', correlationId: ids.next() };
    const { name, scopes, tenant, ttlSeconds } = request;
    const expiresAtMs = ttlSeconds === 0 ? 0 : clock.now() + ttlSeconds * 1000;
    const issued = request.firstAdmin
      ? await ensureAdminKey(aggregates, issuer, meta)
      : await issuer.issue({ name, scopes, tenant, contexts: null, expiresAtMs, ratePerMinute: null }, meta);
    console.log(JSON.stringify(issued ?? null));
  } finally {
    await engines.close();
  }
}

try {
  await mintKey();
} catch (error) {
  console.error(`No key was issued: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
