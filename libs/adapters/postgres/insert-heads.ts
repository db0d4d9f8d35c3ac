import type { Context } from '#events';
import type { IdentifiedHead } from '#ports';
import { textArray } from './array-literal.ts';
import type { Statement } from './database.ts';

/**
 * Writes many heads at once.
 * @param onConflict what becomes of one that is there, as `mine`
 */
export function insertHeads(context: Context, heads: readonly IdentifiedHead[], onConflict: string): Statement {
  const text = `INSERT INTO streams.heads AS mine (context, id, version, state, tenant)
    SELECT $1, id, version, state::jsonb, tenant FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[]) AS head (id, version, state, tenant)
    ON CONFLICT (context, id) ${onConflict}`;
  const columns = [heads.map(({ id }) => id), heads.map(({ version }) => String(version)), heads.map(({ state }) => JSON.stringify(state))];
  return { text, values: [context, ...columns.map(textArray), textArray(heads.map(({ tenant }) => tenant))] };
}
