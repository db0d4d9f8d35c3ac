import type { Millis } from '#kernel';
import type { StreamSettings } from './ladder.core.ts';
import type { InterruptReason, RejectReason, StopReason } from './reasons.ts';
import type { Endpoint } from './stream.state.ts';

export interface CreateStream extends StreamSettings {
  readonly type: 'CreateStream';
  readonly streamId: string;
  readonly name: string;
  /** SHA-256 of the key's secret part, hex. */
  readonly keyHash: string;
}

/** Another key beside those that there are, or in their place. */
export interface IssueKey {
  readonly type: 'IssueKey';
  readonly streamId: string;
  /** SHA-256 of the secret part, hex. */
  readonly keyHash: string;
  /** 0 for never. */
  readonly expiresAtMs: Millis;
  readonly singleUse: boolean;
  /** When the keys before stop working; 0 leaves them as they are. */
  readonly previousUntilMs: Millis;
  readonly nowMs: Millis;
}

export interface StartPublishing {
  readonly type: 'StartPublishing';
  readonly streamId: string;
  /** SHA-256 of the secret that the publisher showed, hex; null where a token or the operator's service vouches for it. */
  readonly secretHash: string | null;
  readonly sessionId: string;
  /** When it asks: keys may have expired. */
  readonly nowMs: Millis;
  /**
   * Epoch of the endpoint's lease ({@link publishLeaseName}) under which this node would publish. A node that could not take
   * the lease, or that has a publisher there already, passes 0: the rules then find the right reason to refuse.
   */
  readonly epoch: number;
  readonly endpoint: Endpoint;
  readonly remoteAddress: string;
  readonly node: string;
  readonly relayUrl: string;
}

/** Puts a refusal on record that was decided before the stream's own rules were asked, such as an unsupported codec. */
export interface RejectPublish {
  readonly type: 'RejectPublish';
  /** Empty when the publisher named none. */
  readonly streamId: string;
  readonly reason: RejectReason;
  readonly detail: string;
  readonly remoteAddress: string;
  readonly node: string;
}

export interface Interrupt {
  readonly type: 'Interrupt';
  readonly streamId: string;
  readonly sessionId: string;
  readonly reason: InterruptReason;
  readonly detail: string;
}

/** Prefer the publisher at that endpoint from now on, and go over to it as soon as it can be. */
export interface SwitchPublisher {
  readonly type: 'SwitchPublisher';
  readonly streamId: string;
  readonly to: Endpoint;
  readonly reason: string;
}

export interface Stop {
  readonly type: 'Stop';
  readonly streamId: string;
  readonly reason: StopReason;
  readonly detail: string;
  /** For `publisher-gone`: the session whose grace period ended. */
  readonly sessionId?: string;
}

export type StreamCommand = CreateStream | IssueKey | StartPublishing | RejectPublish | Interrupt | SwitchPublisher | Stop;
