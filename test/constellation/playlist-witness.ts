const periodMs = 500;

/** Reads a media playlist all the time and notes every step back of its newest media sequence. */
export class PlaylistWitness {
  readonly #url: string;
  #stopped = false;
  readonly #loop: Promise<void>;
  newest = -1;
  /** `from → to` of each step back. */
  readonly stepsBack: string[] = [];

  constructor(url: string) {
    this.#url = url;
    this.#loop = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const newest = await newestSequence(this.#url).catch(() => undefined);
      if (newest !== undefined) {
        if (newest < this.newest) this.stepsBack.push(`${this.newest} → ${newest}`);
        this.newest = newest;
      }
      await new Promise((resolve) => setTimeout(resolve, periodMs));
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
  }
}

async function newestSequence(url: string): Promise<number | undefined> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  if (!response.ok) return undefined;
  const text = await response.text();
  const first = /^#EXT-X-MEDIA-SEQUENCE:(\d+)$/m.exec(text)?.[1];
  if (first === undefined) return undefined;
  return Number(first) + [...text.matchAll(/^#EXTINF/gm)].length - 1;
}
