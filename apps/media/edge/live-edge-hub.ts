import { LiveEdge } from './live-edge.ts';

/** The live edges of the streams that this process encodes, or has encoded and may encode again. */
export class LiveEdgeHub {
  readonly #edges = new Map<string, LiveEdge>();

  get readers(): number {
    let readers = 0;
    for (const edge of this.#edges.values()) readers += edge.readers;
    return readers;
  }

  of(streamId: string): LiveEdge {
    let edge = this.#edges.get(streamId);
    if (edge === undefined) {
      edge = new LiveEdge();
      this.#edges.set(streamId, edge);
    }
    return edge;
  }

  find(streamId: string): LiveEdge | undefined {
    return this.#edges.get(streamId);
  }

  /** The stream has ended for good: what was announced of it is of no concern any more. */
  forget(streamId: string): void {
    this.#edges.get(streamId)?.close();
    this.#edges.delete(streamId);
  }

  /** Tells every reader that this process is there. */
  beat(): void {
    for (const edge of this.#edges.values()) edge.tell({ kind: 'beat' });
  }

  close(): void {
    for (const streamId of [...this.#edges.keys()]) this.forget(streamId);
  }
}
