import { edgeRegistered, type DraftOf } from '#events';
import { accept, refuse, type Decider, type Decision } from '#kernel';

/** Announces an edge before it reports by itself. */
export interface RegisterEdge {
  readonly type: 'RegisterEdge';
  readonly edgeId: string;
  readonly url: string;
  readonly region: string;
  readonly memoryBytesMax: number;
}

export type EdgeDraft = DraftOf<typeof edgeRegistered>;
export type EdgeState =
  | { readonly status: 'absent' }
  | { readonly status: 'registered'; readonly edgeId: string; readonly url: string; readonly region: string; readonly memoryBytesMax: number };

const httpUrl = /^https?:\/\/[^/?#\s]+\/?$/i;

function decide(command: RegisterEdge, state: EdgeState): Decision<EdgeDraft> {
  const { edgeId, url, region, memoryBytesMax } = command;
  if (!httpUrl.test(url)) return refuse('invalid-url', 'url: Expected the base URL of the edge, such as http://edge-2.example:8081.');
  const same = state.status === 'registered' && state.url === url && state.region === region && state.memoryBytesMax === memoryBytesMax;
  return same ? accept<EdgeDraft>() : accept<EdgeDraft>(edgeRegistered.draft({ edgeId, url, region, memoryBytesMax }));
}

function evolve(_state: EdgeState, event: EdgeDraft): EdgeState {
  return { status: 'registered', ...event.data };
}

export const edgeDecider: Decider<EdgeState, RegisterEdge, EdgeDraft> = { initialState: { status: 'absent' }, decide, evolve };

export const edgeAggregate = { context: 'edge', decider: edgeDecider } as const;
