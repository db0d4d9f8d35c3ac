import type { IssuedKey } from './issued-keys.core.ts';
import type { StreamSettings } from './ladder.core.ts';
import type { InterruptReason, StopReason } from './reasons.ts';

/** One of the two places that publishers of a stream send to. */
export type Endpoint = 'primary' | 'backup';

/** What stays the same over a stream's life. */
export interface StreamIdentity extends StreamSettings {
  readonly streamId: string;
  readonly name: string;
  /** Of the key that it was created with. */
  readonly keyHash: string;
  /** All keys, once another was issued or one was used up. */
  readonly keys?: readonly IssuedKey[];
  /** Greatest epoch of a publisher per endpoint; heads from before there were two know the last session's alone. */
  readonly epochs?: Readonly<Partial<Record<Endpoint, number>>>;
  /** The endpoint that somebody asked for last; the primary until then. */
  readonly preferred?: Endpoint;
}

/** A publisher that holds an endpoint of the stream, or held it last. */
export interface PublisherSession {
  readonly sessionId: string;
  readonly epoch: number;
  readonly endpoint: Endpoint;
  readonly remoteAddress: string;
  readonly node: string;
  readonly relayUrl: string;
}

/**
 * Plain JSON, flat, so that heads can be found by `status`, `node` or `sessionId`. Of two publishers the one that came first
 * stands flat and the second is `other`: which of them viewers see is the packager's to decide, not told here.
 */
export type StreamState =
  | { readonly status: 'absent' }
  | (StreamIdentity & { readonly status: 'created' })
  | (StreamIdentity & PublisherSession & { readonly status: 'live'; readonly other?: PublisherSession })
  | (StreamIdentity & PublisherSession & { readonly status: 'interrupted'; readonly reason: InterruptReason })
  | (StreamIdentity & { readonly status: 'stopped'; readonly reason: StopReason });

export type StreamStatus = Exclude<StreamState['status'], 'absent'>;

/** Every publisher that the stream has now. */
export function publishersOf(state: StreamState): readonly PublisherSession[] {
  if (state.status !== 'live') return [];
  return state.other === undefined ? [state] : [state, state.other];
}

/** The lease of an endpoint of a stream: whoever holds it may publish there. */
export function publishLeaseName(streamId: string, endpoint: Endpoint): string {
  return endpoint === 'primary' ? `ingest/${streamId}` : `ingest/${streamId}/backup`;
}

/** The fencing epoch that a new session at an endpoint must exceed. */
export function lastEpoch(state: StreamState, endpoint: Endpoint): number {
  if (state.status === 'absent') return 0;
  if (state.epochs !== undefined) return state.epochs[endpoint] ?? 0;
  // From before there were two: one lease, which is the primary's today.
  return endpoint === 'primary' && (state.status === 'live' || state.status === 'interrupted') ? state.epoch : 0;
}
