import { RelayStream } from './relay-stream.ts';

/** The sessions that can be read, by stream. */
export class RelayHub {
  readonly #streams = new Map<string, RelayStream>();
  readonly #gopBytesMax: number;

  constructor(gopBytesMax: number) {
    this.#gopBytesMax = gopBytesMax;
  }

  open(streamId: string, sessionId: string): RelayStream {
    this.#streams.get(streamId)?.close();
    const stream = new RelayStream(sessionId, this.#gopBytesMax);
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
