const periodMs = 100;

/**
 * Reads a media playlist all the time: how long each segment was waited for, and whether the numbers go on one by one.
 * @param url of a low-latency playlist: each request asks for the next segment, and is answered when it is there
 */
export class SequenceClock {
  readonly #url: string;
  readonly #loop: Promise<void>;
  #stopped = false;
  #newestAt = 0;
  newest = -1;
  /** Longest wait for a segment since the last `restart`, ms. */
  longestMs = 0;
  /** What must not be: numbers that go back, entries that change. */
  readonly broken: string[] = [];
  #entries = new Map<number, string>();

  constructor(url: string) {
    this.#url = url;
    this.#loop = this.#run();
  }

  restart(): void {
    this.longestMs = 0;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      // What is cached for a second would be seen up to a second late.
      const text = await fetch(this.newest < 0 ? this.#url : `${this.#url}?_HLS_msn=${this.newest + 1}`, { signal: AbortSignal.timeout(8000) })
        .then((response) => (response.ok ? response.text() : undefined))
        .catch(() => undefined);
      if (text === undefined || !this.#take(text)) await new Promise((resolve) => setTimeout(resolve, periodMs));
    }
  }

  /** Answers whether there was something new. */
  #take(text: string): boolean {
    const first = Number(/^#EXT-X-MEDIA-SEQUENCE:(\d+)$/m.exec(text)?.[1] ?? Number.NaN);
    const files = [...text.matchAll(/^#EXTINF[^\n]*\n(?:#[^\n]*\n)*([^#\n]+)$/gm)].map(([, file]) => file as string);
    if (Number.isNaN(first) || files.length === 0) return false;
    const last = first + files.length - 1;
    if (last < this.newest) this.broken.push(`${this.newest} → ${last}`);
    files.forEach((file, at) => {
      const before = this.#entries.get(first + at);
      if (before !== undefined && before !== file) this.broken.push(`${first + at} was ${before} and is ${file}`);
      this.#entries.set(first + at, file);
    });
    if (last <= this.newest) return false;
    const now = performance.now();
    if (this.newest >= 0) this.longestMs = Math.max(this.longestMs, Math.round(now - this.#newestAt));
    this.#newestAt = now;
    this.newest = last;
    return true;
  }
}
