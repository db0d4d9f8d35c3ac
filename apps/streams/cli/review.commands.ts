import type { CloudEvent } from '../client/api.types.ts';
import { exitCodes, PlainFailure } from '../streams.errors.ts';
import type { CommandContext } from './context.ts';
import { eventLine } from './event.commands.ts';

export interface SearchOptions {
  readonly context?: string;
  readonly type?: string;
  readonly subject?: string;
  readonly tenant?: string;
  readonly actor?: string;
  readonly correlation?: string;
  readonly cause?: string;
  readonly since?: string;
  readonly until?: string;
  readonly where?: string;
  readonly reveal?: string;
  readonly limit: number;
}

interface SearchPage {
  readonly items: readonly CloudEvent[];
  readonly nextCursor: string | null;
  readonly searchedTo: string | null;
  readonly looked: number;
  readonly inapplicable: { readonly count: number; readonly problem: string } | null;
}

interface ShownEvent {
  readonly event: CloudEvent;
  readonly storedVersion: number | null;
  readonly version: number | null;
  readonly meaning: string | null;
  readonly data: unknown;
  readonly problem: string | null;
  readonly personal: readonly string[];
  readonly revealed: boolean;
  readonly proof: string;
}

interface Tree {
  readonly causeId: string | null;
  readonly nodes: ReadonlyArray<{ readonly id: string; readonly depth: number; readonly type: string; readonly subject: string; readonly time: string }>;
  readonly truncated: boolean;
}

const pageMax = 200;

/** As the gateway has it. */
const whereMax = 1000;

function queryOf({ limit: _limit, correlation, cause, ...options }: SearchOptions): URLSearchParams {
  if ((options.where?.length ?? 0) > whereMax) throw new PlainFailure(`--where: An expression may have ${whereMax} characters.`, exitCodes.usage);
  const query = new URLSearchParams();
  const named = { ...options, correlationId: correlation, causationId: cause };
  for (const name of ['context', 'type', 'subject', 'tenant', 'actor', 'correlationId', 'causationId', 'since', 'until', 'where', 'reveal'] as const)
    if (named[name] !== undefined) query.set(name, named[name]);
  return query;
}

/** Asks on until there are enough: a page that has found nothing yet says so on standard error. */
export async function searchEvents({ api, print, isJson }: CommandContext, options: SearchOptions): Promise<void> {
  const query = queryOf(options);
  const items: CloudEvent[] = [];
  let [looked, inapplicable, problem] = [0, 0, ''];
  for (let more = true; more && items.length < options.limit;) {
    query.set('limit', String(Math.min(options.limit - items.length, pageMax)));
    const page = await api.call<SearchPage>('GET', `/api/v1/events/search?${query}`);
    items.push(...page.items);
    looked += page.looked;
    inapplicable += page.inapplicable?.count ?? 0;
    problem ||= page.inapplicable?.problem ?? '';
    more = page.nextCursor !== null;
    query.set('cursor', page.nextCursor ?? '');
    if (!isJson && process.stderr.isTTY && more) process.stderr.write(`\rSearched down to ${page.searchedTo}, ${items.length} found \u001b[K`);
  }
  if (!isJson && process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  const hint = inapplicable > 0 ? [`(${inapplicable} of ${looked} events do not have what the expression asks for: ${problem})`] : [];
  const none = items.length === 0 ? ['No event fits.'] : [];
  print({ items, looked, inapplicable }, () => [...items.toReversed().map(eventLine), ...none, ...hint]);
}

export async function showEvent({ api, print }: CommandContext, id: string, { reveal }: { readonly reveal?: string }): Promise<void> {
  const query = reveal === undefined ? '' : `?${new URLSearchParams({ reveal })}`;
  const shown = await api.call<ShownEvent>('GET', `/api/v1/events/${encodeURIComponent(id)}${query}`);
  const { event, meaning, storedVersion, version, data, problem, personal, revealed } = shown;
  const { data: stored, ...attributes } = event as CloudEvent & Readonly<Record<string, unknown>>;
  print(shown, () => [
    ...(meaning === null ? [] : [meaning, '']),
    ...Object.entries(attributes).map(([name, value]) => `${name.padEnd(16)}${String(value)}`),
    ...(personal.length > 0 ? [`${'personal'.padEnd(16)}${personal.join(', ')}${revealed ? '' : ' (masked)'}`] : []),
    '',
    `As stored (version ${storedVersion ?? 'unknown'}):`,
    JSON.stringify(stored, null, 2),
    ...(problem === null ? [] : ['', `It cannot be read: ${problem}`]),
    ...(problem === null && storedVersion !== version ? ['', `As read today (version ${version}):`, JSON.stringify(data, null, 2)] : []),
  ]);
}

export async function showTree(
  { api, print }: CommandContext,
  id: string,
  { nodes, depth }: { readonly nodes: number; readonly depth: number },
): Promise<void> {
  const query = new URLSearchParams({ nodes: String(nodes), depth: String(depth) });
  const tree = await api.call<Tree>('GET', `/api/v1/events/${encodeURIComponent(id)}/causation?${query}`);
  print(tree, () => [
    ...(tree.causeId === null ? [] : [`caused by ${tree.causeId}`]),
    ...tree.nodes.map((node) => `${node.time}  ${'  '.repeat(node.depth)}${node.type}  ${node.subject}${node.id === id ? '  ◀' : ''}`),
    ...(tree.truncated ? ['… and more: --nodes and --depth show it.'] : []),
  ]);
}
