import type { IssuedKey } from './issued-keys.core.ts';
import type { StreamSettings } from './ladder.core.ts';
import type { InterruptReason, StopReason } from './stream.commands.ts';

/** What stays the same over a stream's life. */
export interface StreamIdentity extends StreamSettings {
  readonly streamId: string;
  readonly name: string;
  /** Of the key that it was created with. */
  readonly keyHash: string;
  /** All keys, once another was issued or one was used up. */
  readonly keys?: readonly IssuedKey[];
}

/** The publisher that holds the stream, or held it last. */
export interface PublisherSession {
  readonly sessionId: string;
  readonly epoch: number;
  readonly endpoint: 'primary' | 'backup';
  readonly remoteAddress: string;
  readonly node: string;
  readonly relayUrl: string;
}

/** Plain JSON, flat, so that heads can be found by `status`, `node` or `sessionId`. */
export type StreamState =
  | { readonly status: 'absent' }
  | (StreamIdentity & { readonly status: 'created' })
  | (StreamIdentity & PublisherSession & { readonly status: 'live' })
  | (StreamIdentity & PublisherSession & { readonly status: 'interrupted'; readonly reason: InterruptReason })
  | (StreamIdentity & { readonly status: 'stopped'; readonly reason: StopReason });

export type StreamStatus = Exclude<StreamState['status'], 'absent'>;
