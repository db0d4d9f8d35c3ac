import { scopes } from '#events';

/** What a key allows: publish (start and stop streams, publish events), operate (purge), view (read), edge (act as an edge), admin (all of it). */
export type Scope = (typeof scopes)[number];

export const allScopes: readonly Scope[] = scopes;

/** The scopes among the words; one that this version does not know allows nothing. */
export function scopesIn(words: readonly string[]): readonly Scope[] {
  return allScopes.filter((scope) => words.includes(scope));
}
