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
 * The sessions that can be read, by stream. Their groups of pictures share one budget: with few sessions each keeps a
 * whole group for readers that join, with many a reader may have to wait for the next key frame.
 */
export class RelayHub {
  readonly #init: RelayHubInit;
  readonly #streams = new Map<string, RelayStream>();

  constructor(init: RelayHubInit) {
    this.#init = init;
  }

  /** What one session may keep now, bytes. */
  get gopBytesMax(): number {
    const { gopBytesTotal, gopBytesMax } = this.#init;
    return Math.min(gopBytesMax, Math.max(gopBytesMin, gopBytesTotal / this.#streams.size));
  }

  open(streamId: string, sessionId: string): RelayStream {
    this.#streams.get(streamId)?.close();
    const stream = new RelayStream(sessionId, this);
    this.#streams.set(streamId, stream);
    return stream;
  }

  find(streamId: string, sessionId: string): RelayStream | undefined {
    const stream = this.#streams.get(streamId);
    return stream?.sessionId === sessionId ? stream : undefined;
  }

  close(streamId: string, sessionId: string): void {
    const stream = this.find(streamId, sessionId);
    if (stream === undefined) return;
    this.#streams.delete(streamId);
    stream.close();
  }
}
