import { edgeRegistered, type DraftOf } from '#events';
import { accept, refuse, type Decider, type Decision } from '#kernel';

export type EdgeDraft = DraftOf<typeof edgeRegistered>;
/** What an edge is and can do. */
export type EdgeCapabilities = EdgeDraft['data'];

/** Announces an edge before it reports by itself, or says what it is after it has shown its key. */
export interface RegisterEdge extends EdgeCapabilities {
  readonly type: 'RegisterEdge';
  /** Said even when nothing changed: the edge has started anew, and what is known may be of somebody else's telling. */
  readonly anew?: boolean;
}

export type EdgeState = { readonly status: 'absent' } | ({ readonly status: 'registered' } & EdgeCapabilities);

const httpUrl = /^https?:\/\/[^/?#\s]+\/?$/i;

function decide({ type: _, anew = false, ...edge }: RegisterEdge, state: EdgeState): Decision<EdgeDraft> {
  const wrong = [edge.url, ...edge.urls].find((url) => !httpUrl.test(url));
  if (wrong !== undefined)
    return refuse('invalid-url', `${wrong === edge.url ? 'url' : 'urls'}: Expected the base URL of the edge, such as http://edge-2.example:8081.`);
  if (!anew && state.status === 'registered' && isSame(state, edge)) return accept<EdgeDraft>();
  return accept<EdgeDraft>(edgeRegistered.draft(edge));
}

/** Of two texts of one event: the order of fields is that of the schema, unless a head is older than a field. */
function isSame({ status: _, ...known }: { readonly status: string } & EdgeCapabilities, edge: EdgeCapabilities): boolean {
  const sorted = (value: EdgeCapabilities): string => JSON.stringify(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return sorted(known) === sorted(edge);
}

function evolve(_state: EdgeState, event: EdgeDraft): EdgeState {
  return { status: 'registered', ...event.data };
}

export const edgeDecider: Decider<EdgeState, RegisterEdge, EdgeDraft> = { initialState: { status: 'absent' }, decide, evolve };

export const edgeAggregate = { context: 'edge', decider: edgeDecider } as const;
