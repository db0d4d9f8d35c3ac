import type { Logger } from '#runtime';
import { LiveEdgeHub } from './live-edge-hub.ts';
import { LiveEdgeServer } from './live-edge-server.ts';
import type { LiveEdge } from './live-edge.ts';

export interface LiveEdgesInit {
  readonly on: boolean;
  readonly host: string;
  readonly port: number;
  readonly publicHost: string;
}

/** A gateway that is this far behind is better off with what is stored, bytes. */
const readerBytesMax = 64 * 1024 * 1024;

/** The live edges of this process and where they are served; switched off, streams have none and are played from segments alone. */
export class LiveEdges {
  readonly #on: boolean;
  readonly #hub = new LiveEdgeHub();
  readonly #server: LiveEdgeServer;

  constructor({ on, ...address }: LiveEdgesInit, logger: Logger) {
    this.#on = on;
    this.#server = new LiveEdgeServer({ ...address, readerBytesMax }, { hub: this.#hub, logger });
  }

  async listen(): Promise<void> {
    if (this.#on) await this.#server.listen();
  }

  of(streamId: string): { readonly edge: LiveEdge; readonly liveEdgeUrl: string | undefined } {
    return { edge: this.#hub.of(streamId), liveEdgeUrl: this.#on ? this.#server.urlOf(streamId) : undefined };
  }

  forget(streamId: string): void {
    this.#hub.forget(streamId);
  }

  close(): void {
    this.#hub.close();
    if (this.#on) this.#server.close();
  }
}
