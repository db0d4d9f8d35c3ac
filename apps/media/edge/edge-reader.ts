import type { ServerResponse } from 'node:http';

/** One gateway that follows a stream. What its socket has not taken is counted; one that falls behind is cut off, and comes again. */
export class EdgeReader {
  readonly #response: ServerResponse;
  readonly #backlogBytesMax: number;
  /** True when the reader was cut off because it fell behind. */
  cutOff = false;

  constructor(response: ServerResponse, backlogBytesMax: number) {
    this.#response = response;
    this.#backlogBytesMax = backlogBytesMax;
  }

  send(pieces: readonly Uint8Array[]): void {
    if (this.#response.destroyed) return;
    if (this.#response.writableLength > this.#backlogBytesMax) {
      this.cutOff = true;
      this.#response.destroy();
      return;
    }
    this.#response.cork();
    for (const piece of pieces) this.#response.write(piece);
    this.#response.uncork();
  }

  /** Nothing more will come. */
  end(): void {
    this.#response.end();
  }
}
