import { FlvReader, readVideoHeader, tagType } from '#core/flv';

/** What comes within this time of a reader's beginning was kept for it. */
const keptMs = 300;

/** Reads a publisher's session from the relay as packagers do, and notes when its key frames arrive. */
export class KeyFrameWatch {
  readonly #stop = new AbortController();
  #newestMs: number | undefined;

  constructor(relayUrl: string, sessionId: string) {
    void this.#read(`${relayUrl}?session=${sessionId}`).catch(() => undefined);
  }

  /** Wall clock, ms since the Unix epoch. */
  get newestMs(): number | undefined {
    return this.#newestMs;
  }

  async #read(url: string): Promise<void> {
    const response = await fetch(url, { signal: this.#stop.signal });
    const begunAt = Date.now();
    const reader = new FlvReader();
    for await (const chunk of response.body as AsyncIterable<Uint8Array>)
      for (const { type, body } of reader.push(chunk)) {
        const isKeyFrame = type === tagType.video && readVideoHeader(body).keyFrame && readVideoHeader(body).kind === 'frames';
        if (isKeyFrame && Date.now() - begunAt > keptMs) this.#newestMs = Date.now();
      }
  }

  stop(): void {
    this.#stop.abort();
  }
}
