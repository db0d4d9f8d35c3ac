import { scopes } from '#events';

/** What a key allows: publish (start and stop streams), operate (purge), view (read), edge (act as an edge), admin (all of it). */
export type Scope = (typeof scopes)[number];

export const allScopes: readonly Scope[] = scopes;

/** True when the held scopes allow what needs `wanted`. */
export function allows(held: readonly Scope[], wanted: Scope): boolean {
  return held.includes('admin') || held.includes(wanted);
}
