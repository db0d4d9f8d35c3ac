import type { FlvError, PacketKind, TagType } from '#core/flv';
import type { RtmpError } from './errors.ts';
import type { IntakeCounts } from './media-intake.core.ts';
import type { PublishPath } from './publish-path.core.ts';
import type { Status } from './replies.core.ts';
import type { SlabPool } from './slab-pool.core.ts';
import type { TagBuffer } from './tag-buffer.core.ts';

/** What a session did to a publisher's media and data beside handing them on. */
export interface SessionCounts extends IntakeCounts {
  /** Data messages that are no AMF. */
  unreadableData: number;
}

export interface ServerSessionInit {
  /** The application that publishers name: `live`. */
  readonly app: string;
  /** Shared by the sessions of a process. */
  readonly pool: SlabPool;
  /** For the filler bytes of the handshake. */
  readonly seed: number;
  readonly limits?: Partial<ServerSessionLimits>;
}

export interface ServerSessionLimits {
  /** Chunk size that we announce, bytes. */
  readonly chunkBytes: number;
  /** Greatest message before and after a publisher was admitted, bytes. */
  readonly messageBytesMaxBefore: number;
  readonly messageBytesMax: number;
  /** Input kept while the decision about a publisher is awaited, bytes. */
  readonly heldBytesMax: number;
  readonly chunkStreamsMax: number;
  readonly handshakeMs: number;
  /** From the first byte to a `publish`. */
  readonly untilPublishMs: number;
  /** Without a byte from a publisher. */
  readonly stallMs: number;
  /** Window and least ratio of media time to wall-clock time. */
  readonly paceWindowMs: number;
  readonly paceRatioMin: number;
}

export const serverSessionLimits: ServerSessionLimits = {
  chunkBytes: 65_536,
  messageBytesMaxBefore: 65_536,
  messageBytesMax: 4 * 1024 * 1024,
  heldBytesMax: 1024 * 1024,
  chunkStreamsMax: 32,
  handshakeMs: 5_000,
  untilPublishMs: 15_000,
  stallMs: 10_000,
  paceWindowMs: 20_000,
  paceRatioMin: 0.5,
};

export type ServerSessionInput =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** Answers to the effect `publish`. */
  | { readonly kind: 'publish-accepted' }
  | { readonly kind: 'publish-refused'; readonly description: string }
  /** Asks a publisher that can to connect again, elsewhere or later; it goes on until it does. */
  | { readonly kind: 'ask-reconnect'; readonly description: string }
  /** Ends the session with a status that the encoder shows. */
  | { readonly kind: 'end'; readonly status: Status }
  | { readonly kind: 'tick' };

/** A message of the published stream. Whoever gets it releases its tag. One object with its effect: there are many of them. */
export interface MediaMessage {
  readonly kind: 'media';
  readonly type: TagType;
  /** Milliseconds since the session's first media; never goes back within a track. */
  readonly timestampMs: number;
  readonly packet: PacketKind;
  /** True for a video frame of the first track that decoding can begin with. */
  readonly keyFrame: boolean;
  /** 0 for the first of its kind; the body of another says which it is (`trackBodyOf`). */
  readonly track: number;
  /** The message as a sealed FLV tag. */
  readonly tag: TagBuffer;
}

export type ServerSessionEffect =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  /** Somebody wants to publish. Answer with `publish-accepted` or `publish-refused`; until then input is held back. */
  | { readonly kind: 'publish'; readonly path: PublishPath; readonly type: string; readonly encoder: string }
  | MediaMessage
  /** Body of an `onMetaData` script tag. */
  | { readonly kind: 'metadata'; readonly body: Uint8Array }
  /** Body of a script tag by which the encoder says something about this moment of the session; not judged yet. */
  | { readonly kind: 'cue'; readonly timestampMs: number; readonly body: Uint8Array }
  /** The publisher said that it ends. */
  | { readonly kind: 'unpublish' }
  /** The last effect: send what is pending, then close. */
  | { readonly kind: 'close'; readonly error: RtmpError | FlvError | undefined };
