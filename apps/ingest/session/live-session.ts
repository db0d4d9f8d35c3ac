import type { Endpoint, InterruptReason, TenantLimits } from '#domain/stream';
import type { Millis } from '#kernel';
import type { Lease } from '#ports';
import type { RelayStream } from '../relay/relay-stream.ts';

export interface SessionEnd {
  readonly reason: InterruptReason;
  readonly detail: string;
}

/** The connection's side of a session, as others may act on it. */
export interface SessionConnection {
  /** When the last media came; while there was none yet, when it was admitted. */
  readonly lastMediaAt: Millis;
  /** Asks the encoder to connect again; false when it would not understand. It goes on until it has. */
  askReconnect(description: string): boolean;
  /** Tells the encoder why and closes. */
  end(description: string): void;
}

/** An admitted publisher: it holds an endpoint of the stream under a lease until it ends, once, for one reason. */
export interface LiveSession {
  readonly streamId: string;
  /** Whose stream it is. */
  readonly tenant: string;
  readonly sessionId: string;
  readonly endpoint: Endpoint;
  /** Of its endpoint: nobody else publishes there while it is held. */
  readonly lease: Lease;
  readonly relay: RelayStream;
  readonly remoteAddress: string;
  readonly startedAt: Millis;
  readonly limits: TenantLimits;
  /** When its time is over; undefined for none. */
  readonly endsAt: Millis | undefined;
  readonly connection: SessionConnection;
}
