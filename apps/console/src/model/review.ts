import type { FeedEvent } from './types.ts';

/** An event that a search found: CloudEvents 1.0 JSON with its place. */
export interface FoundEvent extends FeedEvent {
  readonly recordedtime: string;
  readonly topic: string;
  readonly tenant: string;
  readonly correlationid?: string;
  readonly causationid?: string;
  readonly dataschema?: string;
}

export interface SearchPage {
  readonly items: readonly FoundEvent[];
  readonly nextCursor: string | null;
  readonly searchedTo: string | null;
  readonly looked: number;
  readonly inapplicable: { readonly count: number; readonly problem: string } | null;
}

export interface EventDetail {
  readonly event: FoundEvent;
  readonly storedVersion: number | null;
  readonly version: number | null;
  readonly open: boolean;
  readonly meaning: string | null;
  readonly schema: object | null;
  readonly data: unknown;
  readonly problem: string | null;
  readonly personal: readonly string[];
  readonly revealed: boolean;
  readonly bytes: number;
  readonly proof: string;
  /** What the key lets its holder do with it. */
  readonly may: {
    readonly reveal: boolean;
    readonly prove: boolean;
    /** The tenant for which such an event is published; null when it cannot be. */
    readonly publishAs: string | null;
  };
}

export interface TreeNode {
  readonly id: string;
  readonly parentId: string | null;
  readonly depth: number;
  readonly type: string;
  readonly context: string;
  readonly subject: string;
  readonly time: string;
}

export interface CausationTree {
  readonly causeId: string | null;
  readonly nodes: readonly TreeNode[];
  readonly truncated: boolean;
}

/** Whose events there are, each on a topic of its own. */
export const contexts = ['stream', 'cache', 'edge', 'access', 'content', 'playback', 'operation', 'zone', 'traffic'] as const;

/** What can be asked for; each as the API names it. */
export const searchFields = ['context', 'type', 'subject', 'tenant', 'actor', 'correlationId', 'causationId', 'since', 'until', 'where'] as const;
export type SearchField = (typeof searchFields)[number];
export type Search = Readonly<Partial<Record<SearchField, string>>>;

/** What the address says behind `#/events/search?`. */
export function searchOf(route: string): { readonly search: Search; readonly event: string | undefined } {
  const query = new URLSearchParams(route.includes('?') ? route.slice(route.indexOf('?') + 1) : '');
  const named = searchFields.flatMap((field) => {
    const value = query.get(field)?.trim() ?? '';
    return value === '' ? [] : [[field, value] as const];
  });
  return { search: Object.fromEntries(named), event: query.get('event') ?? undefined };
}

export function routeOf(search: Search, event?: string): string {
  const query = new URLSearchParams(search);
  if (event !== undefined) query.set('event', event);
  return `#/events/search?${query}`;
}

/** The feed's filters are fewer than the search's; undefined when it cannot tell what is asked for. */
export function feedPathOf({ context, type, subject, tenant, ...more }: Search): string | undefined {
  if (Object.keys(more).length > 0) return undefined;
  const named = Object.entries({ context, type, subject, tenant }).filter((each): each is [string, string] => each[1] !== undefined);
  return `/api/v1/events/live?${new URLSearchParams([['from', 'now'], ...named])}`;
}

/** The rows that are seen: what lies below a closed one is not. */
export function openRows(nodes: readonly TreeNode[], closed: ReadonlySet<string>): readonly TreeNode[] {
  let closedAt = Infinity;
  return nodes.filter(({ id, depth }) => {
    if (depth > closedAt) return false;
    closedAt = closed.has(id) ? depth : Infinity;
    return true;
  });
}

/** Where a tree begins for somebody who looks at one of its events: what led to it, itself and what came of it. The others, its siblings first of all, are folded away. */
export function aroundOf(nodes: readonly TreeNode[], current: string): readonly TreeNode[] {
  const at = nodes.findIndex(({ id }) => id === current);
  const own = nodes[at];
  if (own === undefined) return nodes;
  const path: TreeNode[] = [];
  for (let before = at - 1, depth = own.depth; before >= 0 && depth > 0; before--) {
    const node = nodes[before] as TreeNode;
    if (node.depth < depth) {
      path.unshift(node);
      depth = node.depth;
    }
  }
  const end = nodes.findIndex(({ depth }, place) => place > at && depth <= own.depth);
  return [...path, ...nodes.slice(at, end < 0 ? nodes.length : end)];
}

/** What effects tell of themselves: one event per delivery of a webhook, and each try that failed. */
export function isOfEffect({ type }: { readonly type: string }): boolean {
  return type.startsWith('effect.');
}

/** Whether somebody asks for effects by name: then they are not left out. */
export function asksForEffects({ type, correlationId, causationId, subject }: Search): boolean {
  return type?.split(',').some((one) => isOfEffect({ type: one.trim() })) === true || [correlationId, causationId, subject].some((one) => one !== undefined);
}

/** Why nothing can be found, whatever there is; undefined for a range that has a length. */
export function emptyRange({ since, until }: Search): string | undefined {
  const [from, to] = [since, until].map((time) => (time === undefined ? NaN : /^\d+$/.test(time) ? Number(time) : Date.parse(time)));
  return from !== undefined && to !== undefined && from >= to ? 'The range is empty: “Recorded since” is not before “Recorded before”.' : undefined;
}

const mask = '***';

/** Attributes that tell of people, and are masked in this event. */
export function maskedAttributes({ actor, subject }: Pick<FoundEvent, 'actor' | 'subject'>): readonly string[] {
  return Object.entries({ actor, subject })
    .filter(([, text]) => text.includes(mask))
    .map(([name]) => name);
}

/** Why an event is not copied as a call that publishes it again; undefined when it can be. */
export function publishRefusal({ event, personal, may }: Pick<EventDetail, 'event' | 'personal' | 'may'>): string | undefined {
  if (may.publishAs !== event.tenant) return `The event is of the tenant ${event.tenant}; your key publishes for the tenant ${may.publishAs}.`;
  const masked = personal.filter((name) => valuesAt(event.data, name.split('.')).includes(mask));
  if (masked.length === 0) return undefined;
  const reveal = may.reveal ? 'Show what is masked first, below.' : 'Only keys with the scope admin can see what is masked.';
  return `It would publish ${mask} as ${masked.join(', ')}. ${reveal}`;
}

/** The personal fields that an event has, by whether they can still be shown; what is erased says so itself. */
export function personalStand(data: unknown, names: readonly string[]): { readonly masked: readonly string[]; readonly erased: readonly string[] } {
  const had = names.filter((name) => valuesAt(data, name.split('.')).some((value) => value !== undefined && value !== null));
  const erased = had.filter((name) => {
    const values = valuesAt(data, name.split('.')).filter((value) => typeof value === 'string');
    return values.length > 0 && values.every((value) => /^erased:[A-Za-z0-9_-]{22}:/.test(value));
  });
  return { masked: had.filter((name) => !erased.includes(name)), erased };
}

function valuesAt(value: unknown, [name, ...rest]: readonly string[]): readonly unknown[] {
  if (name === undefined) return [value];
  if (name === '*') return Array.isArray(value) ? value.flatMap((each) => valuesAt(each, rest)) : [];
  return typeof value === 'object' && value !== null ? valuesAt((value as Readonly<Record<string, unknown>>)[name], rest) : [];
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The call that asks for the event again; the key stays a variable. */
export function fetchCurl(origin: string, id: string): string {
  return `curl -H "Authorization: Bearer $STREAMS_KEY" ${quoted(`${origin}/api/v1/events/${encodeURIComponent(id)}`)}`;
}

/** The call that says the same once more, as an event of its own. */
export function publishCurl(origin: string, { type, source, dataschema, data }: FoundEvent): string {
  const body = JSON.stringify({ specversion: '1.0', id: 'NEW-ID', source, type, dataschema, data });
  return `curl -X POST -H "Authorization: Bearer $STREAMS_KEY" -H 'Content-Type: application/cloudevents+json' -d ${quoted(body)} ${quoted(`${origin}/api/v1/events`)}`;
}

export interface DiffLine {
  readonly text: string;
  /** The other side has no such line. */
  readonly differs: boolean;
}

/** Two values as lines of JSON, each side with what the other lacks. */
export function sideBySide(stored: unknown, read: unknown): { readonly stored: readonly DiffLine[]; readonly read: readonly DiffLine[] } {
  const [before, after] = [stored, read].map((value) => JSON.stringify(value, undefined, 2).split('\n'));
  const bare = (line: string): string => line.trim().replace(/,$/, '');
  const marked = (lines: readonly string[] = [], others: readonly string[] = []): readonly DiffLine[] => {
    const known = new Set(others.map(bare));
    return lines.map((text) => ({ text, differs: !known.has(bare(text)) }));
  };
  return { stored: marked(before, after), read: marked(after, before) };
}
