import type { Effect, EffectQuery, EffectStore } from '#ports';
import { badRequest } from '../http/problem.errors.ts';
import { effectView } from '../webhooks/webhook.view.ts';

export interface EffectPage {
  readonly items: readonly object[];
  readonly nextCursor: string | null;
}

function cursorOf({ createdAtMs, key }: Effect): string {
  return Buffer.from(`${createdAtMs}/${key}`).toString('base64url');
}

function placeOf(cursor: string): { readonly createdAtMs: number; readonly key: string } {
  const match = /^(\d{1,16})\/(ef-[0-9a-f]{32})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  if (match !== null) return { createdAtMs: Number(match[1]), key: match[2] as string };
  const message = 'This is not a cursor of a page before.';
  throw badRequest('invalid-request', `query.cursor: ${message}`, [{ field: 'query.cursor', message }]);
}

/** A page of the ledger of effects, the newest first, each with its tries. */
export async function effectPage(
  effects: EffectStore,
  query: Omit<EffectQuery, 'before'>,
  cursor: string | undefined,
  view: (effect: Effect) => object = () => ({}),
): Promise<EffectPage> {
  const found = await effects.list({ ...query, limit: query.limit + 1, ...(cursor === undefined ? {} : { before: placeOf(cursor) }) });
  const shown = found.slice(0, query.limit);
  const items = await Promise.all(shown.map(async (effect) => ({ ...effectView(effect, await effects.attempts(effect.key)), ...view(effect) })));
  const last = shown.at(-1);
  return { items, nextCursor: found.length > query.limit && last !== undefined ? cursorOf(last) : null };
}
