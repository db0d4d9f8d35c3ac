import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startEdge, stopped } from './edge/processes.ts';
import { watchEvent } from './edge/viewers.ts';
import type { Bench, BenchContext } from './harness/index.ts';

const originMain = fileURLToPath(new URL('./edge/live-ladder.main.js', import.meta.url));
const rungs = ['240p', '480p', '720p', '1080p'];
/** The origin is another city away. */
const distanceMs = 40;

interface Asked {
  readonly playlists: number;
  readonly segments: number;
  readonly missing: number;
}

/** The origin as a process of its own: the load of the viewers must not slow it down. */
class LiveOrigin {
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  constructor() {
    this.#child = spawn(process.execPath, [originMain, String(distanceMs)], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
  }

  async port(): Promise<number> {
    const [line] = (await once(this.#lines, 'line')) as [string];
    return (JSON.parse(line) as { port: number }).port;
  }

  async asked(): Promise<Asked> {
    const line = once(this.#lines, 'line');
    this.#child.kill('SIGUSR2');
    return JSON.parse(((await line) as [string])[0]) as Asked;
  }

  stop(): Promise<void> {
    return stopped(this.#child);
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

interface Outcome {
  /** Of all requests, those that the origin did not see, %. */
  readonly offload: number;
  /** Of the requests for segments, those that found them in the cache, %. */
  readonly cached: number;
  readonly row: readonly (string | number)[];
  readonly failed: number;
}

async function event(context: BenchContext, prefetch: boolean, dashViewers = 0): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'streams-offload-'));
  const origin = new LiveOrigin();
  try {
    const port = await origin.port();
    const edge = await startEdge(folder, port, 0, undefined, { EDGE_PREFETCH_SEGMENTS: prefetch ? '2' : '0' });
    const watched = await watchEvent(edge.port, {
      ...{ viewers: dashViewers || 10_000, dash: dashViewers > 0, joinMs: dashViewers > 0 ? 3000 : 6000 },
      ...{ watchMs: context.quick ? 12_000 : 60_000, rungs },
    });
    const asked = await origin.asked();
    await edge.stop();
    // The origin is counted from the first request on, the viewers from when all are there: that can only be worse.
    const fetched = asked.playlists + asked.segments + asked.missing;
    const requests = watched.segments + watched.playlists;
    const offload = (1 - fetched / requests) * 100;
    const cached = (watched.cached / watched.segments) * 100;
    const shared = (watched.shared / watched.segments) * 100;
    const [p50, p99] = [quantile(watched.segmentMs, 0.5), quantile(watched.segmentMs, 0.99)];
    return { offload, cached, failed: watched.failed, row: [requests, fetched, offload, cached, shared, p50, p99] };
  } finally {
    await origin.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(context: BenchContext): Promise<void> {
  context.row(
    'live, 10,000 viewers, 4 renditions, 2 s',
    'requests',
    'at the origin',
    'offload, %',
    'segments cached, %',
    'waited for a fill, %',
    'segment p50, ms',
    'p99, ms',
  );
  const without = await event(context, false);
  context.row('without prefetch', ...without.row);
  const withIt = await event(context, true);
  context.row('with prefetch', ...withIt.row);
  // Few, who count by the clock: no manifest tells the edge what comes next.
  context.row('12 by DASH, without prefetch', ...(await event(context, false, 12)).row);
  context.row('12 by DASH, with prefetch', ...(await event(context, true, 12)).row);
  context.bar('edge.offload', withIt.offload, '% without origin', '>= 99', withIt.offload >= 99, without.offload);
  context.bar('edge.segments-cached', withIt.cached, '% of segment requests', '>= 99', withIt.cached >= 99, without.cached);
  context.bar('edge.offload.failed', withIt.failed, 'answers', '= 0', withIt.failed === 0);
}

export const bench: Bench = {
  name: 'offload',
  summary:
    'a live event of 10,000 viewers at one edge, its origin 40 ms away: what reaches the origin, and which segments are there when they are asked for; with and without prefetch',
  run: measure,
};
