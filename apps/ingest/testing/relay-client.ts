import { FlvReader, type FlvTag } from '#core/flv';
import { pause } from '#runtime';
import type { SharedEngines } from './ingest-harness.ts';

/** The relay as a packager reads it. */
export class Reader {
  readonly tags: FlvTag[] = [];
  readonly response: Response;
  readonly ended: Promise<'end' | 'broken'>;
  readonly #flv = new FlvReader();

  private constructor(response: Response) {
    this.response = response;
    this.ended = this.#read();
  }

  static async open(url: string): Promise<Reader> {
    return new Reader(await fetch(url));
  }

  async #read(): Promise<'end' | 'broken'> {
    try {
      for await (const chunk of this.response.body ?? []) this.tags.push(...this.#flv.push(chunk as Uint8Array));
      return 'end';
    } catch {
      return 'broken';
    }
  }

  async until(count: number): Promise<readonly FlvTag[]> {
    for (let i = 0; i < 1000 && this.tags.length < count; i++) await pause(5);
    return this.tags;
  }
}

/** Where the `count`-th session is read. */
export async function relayUrl(engines: SharedEngines, count = 1): Promise<string> {
  const { data } = await engines.eventually('stream.started', count);
  return `${data.relayUrl}?session=${data.sessionId}`;
}
