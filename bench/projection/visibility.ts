import pg from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';

const pollMs = 2;

/** Answers, for each source of numbered events, the greatest number that readers can see. */
export interface VisibilityQuery {
  readonly text: string;
  readonly values?: () => readonly unknown[];
}

/**
 * Watches a read model with the eyes of a reader: what the query shows is visible. A sample is the time from sending an
 * event to the first look that showed it, so the poll's own few milliseconds count against us.
 */
export class Visibility {
  readonly samples: number[] = [];
  readonly #client: pg.Client;
  readonly #query: VisibilityQuery;
  readonly #sent = new Map<string, Array<readonly [number: number, at: number]>>();
  #stopped = false;
  #watching: Promise<void> | undefined;

  constructor(url: string, query: VisibilityQuery) {
    this.#client = new pg.Client({ connectionString: url });
    this.#query = query;
  }

  async start(): Promise<void> {
    await this.#client.connect();
    this.#watching = this.#watch();
  }

  /** Numbers of one source must grow. */
  sent(source: string, number: number): void {
    const waiting = this.#sent.get(source) ?? [];
    this.#sent.set(source, waiting);
    waiting.push([number, performance.now()]);
  }

  get unseen(): number {
    return [...this.#sent.values()].reduce((sum, waiting) => sum + waiting.length, 0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#watching;
    await this.#client.end();
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      const { text, values } = this.#query;
      const { rows } = await this.#client.query({ name: 'look', text, values: [...(values?.() ?? [])], rowMode: 'array' });
      const now = performance.now();
      for (const [source, number] of rows as unknown as ReadonlyArray<readonly [string, string]>) this.#see(source, Number(number), now);
      await sleep(pollMs);
    }
  }

  #see(source: string, number: number, now: number): void {
    const waiting = this.#sent.get(source);
    while (waiting?.[0] !== undefined && waiting[0][0] <= number) {
      this.samples.push(now - waiting[0][1]);
      waiting.shift();
    }
  }
}

/** Calls `each` at an even pace, late calls at once, until `ms` are over. */
export async function pace(perSecond: number, ms: number, each: (n: number) => void): Promise<void> {
  const started = performance.now();
  for (let n = 0; ;) {
    const elapsed = performance.now() - started;
    if (elapsed >= ms) return;
    for (const due = Math.floor((elapsed / 1000) * perSecond); n < due; n++) each(n);
    await sleep(2);
  }
}
