import { RelayStream } from './relay-stream.ts';

export interface RelayHubInit {
  /** Bytes for the groups of pictures of all sessions together. */
  readonly gopBytesTotal: number;
  /** Bytes for the group of pictures of one session, however few there are. */
  readonly gopBytesMax: number;
}

/** What each session gets even when there are many, bytes: a key frame and what follows it for a moment. */
const gopBytesMin = 256 * 1024;

/**
 * The sessions that can be read. Their groups of pictures share one budget: with few sessions each keeps a
 * whole group for readers that join, with many a reader may have to wait for the next key frame.
 */
export class RelayHub {
  readonly #init: RelayHubInit;
  /** By session: a stream has one per endpoint. */
  readonly #streams = new Map<string, { readonly streamId: string; readonly stream: RelayStream }>();

  constructor(init: RelayHubInit) {
    this.#init = init;
  }

  /** What one session may keep now, bytes. */
  get gopBytesMax(): number {
    const { gopBytesTotal, gopBytesMax } = this.#init;
    return Math.min(gopBytesMax, Math.max(gopBytesMin, gopBytesTotal / this.#streams.size));
  }

  open(streamId: string, sessionId: string): RelayStream {
    const stream = new RelayStream(sessionId, this);
    this.#streams.set(sessionId, { streamId, stream });
    return stream;
  }

  find(streamId: string, sessionId: string): RelayStream | undefined {
    const found = this.#streams.get(sessionId);
    return found?.streamId === streamId ? found.stream : undefined;
  }

  close(sessionId: string): void {
    const found = this.#streams.get(sessionId);
    this.#streams.delete(sessionId);
    found?.stream.close();
  }
}
