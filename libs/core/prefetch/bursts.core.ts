import type { Millis } from '#kernel';

/** What began a burst of requests: a page, and not what is on it. */
export interface Head {
  readonly path: string;
  readonly weight: number;
  readonly atMs: Millis;
  /** What came with it or after it so far. */
  readonly followers: Set<string>;
}

interface Client {
  heads: Head[];
  lastMs: Millis;
}

/** After a pause of so much something new begins. */
const pauseMs = 2000;
/** What comes later than this has nothing to do with it. */
const followMs = 30_000;
/** A page, and the one before it. */
const headsMax = 2;
const followersMax = 64;

/** Cuts what each client asks for into bursts, and tells for each request which heads it follows for the first time. */
export class Bursts {
  readonly #clientsMax: number;
  readonly #clients = new Map<string, Client>();

  constructor(clientsMax: number) {
    this.#clientsMax = clientsMax;
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** @returns the heads that are followed by this path, each once for a path; requests of a client come in their order */
  next(client: string, path: string, atMs: Millis, weight: number): readonly Head[] {
    const state = this.#clients.get(client) ?? { heads: [], lastMs: Number.NEGATIVE_INFINITY };
    const heads = state.heads.filter((head) => atMs - head.atMs <= followMs);
    const followed = heads.filter(({ followers, path: own }) => own !== path && followers.size < followersMax && !followers.has(path));
    for (const { followers } of followed) followers.add(path);
    const begins = atMs - state.lastMs > pauseMs || heads.length === 0;
    state.heads = begins ? [...heads, { path, weight, atMs, followers: new Set<string>() }].slice(-headsMax) : heads;
    state.lastMs = Math.max(state.lastMs, atMs);
    // The one that asked last is the last.
    this.#clients.delete(client);
    this.#clients.set(client, state);
    if (this.#clients.size > this.#clientsMax) this.#clients.delete(this.#clients.keys().next().value as string);
    return followed;
  }
}
