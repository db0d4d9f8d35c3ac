import { isOurs, type ProbeState, type RegisteredEdge } from '#domain/edge';
import { pause } from '#runtime';

export interface EdgeProbesInit {
  /** 0 for never. */
  readonly everyMs: number;
  readonly timeoutMs: number;
}

export interface EdgeProbesDeps {
  readonly edges: () => readonly RegisteredEdge[];
  /** The status that an edge answers `/readyz` with. */
  readonly ask: (url: string, signal: AbortSignal) => Promise<number>;
}

/** Failures in a row after which an edge is away: one may be a packet that was lost. */
const failuresMax = 2;
const atOnce = 64;

interface Probed {
  state: ProbeState;
  failures: number;
}

/** Asks every edge that could serve whether it does: seconds before its silence is noticed, and when nobody can read its reports. */
export class EdgeProbes {
  readonly #init: EdgeProbesInit;
  readonly #deps: EdgeProbesDeps;
  readonly #known = new Map<string, Probed>();

  constructor(init: EdgeProbesInit, deps: EdgeProbesDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  of(node: string): ProbeState {
    return this.#known.get(node)?.state ?? 'unknown';
  }

  async run(stopping: AbortSignal): Promise<void> {
    const { everyMs } = this.#init;
    while (!stopping.aborted && everyMs > 0) {
      await this.look(stopping);
      await pause(everyMs, stopping);
    }
  }

  async look(stopping: AbortSignal): Promise<void> {
    const urls = new Map<string, string>();
    for (const edge of this.#deps.edges()) {
      if (edge.origin === '' && edge.url !== null && isOurs(edge))
        urls.set(edge.node, edge.node === edge.edgeId ? edge.url : (urls.get(edge.node) ?? edge.url));
    }
    for (const node of this.#known.keys()) if (!urls.has(node)) this.#known.delete(node);
    const all = [...urls];
    for (let at = 0; at < all.length; at += atOnce) await Promise.all(all.slice(at, at + atOnce).map(([node, url]) => this.#probe(node, url, stopping)));
  }

  async #probe(node: string, url: string, stopping: AbortSignal): Promise<void> {
    const probed = this.#known.get(node) ?? { state: 'unknown' as const, failures: 0 };
    const answer = await this.#deps.ask(url, AbortSignal.any([stopping, AbortSignal.timeout(this.#init.timeoutMs)])).catch(() => undefined);
    if (stopping.aborted) return;
    const failures = answer === undefined ? probed.failures + 1 : 0;
    const state = answer === undefined ? (failures >= failuresMax ? 'failed' : probed.state) : answer === 200 ? 'ready' : 'unready';
    this.#known.set(node, { state, failures });
  }
}

/** Asks by HTTP; redirects are no answer. */
export async function askReady(url: string, signal: AbortSignal): Promise<number> {
  const response = await fetch(new URL('/readyz', url), { signal, redirect: 'manual' });
  await response.body?.cancel();
  return response.status;
}
