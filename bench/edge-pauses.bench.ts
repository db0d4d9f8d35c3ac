import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { besideNginx, clientCore, peer, type BesideNginx } from './edge/beside-nginx.ts';
import { askEach, wrk, type Round } from './edge/load.ts';
import { startProbe } from './edge/probe.ts';
import type { Measured } from './edge/processes.ts';
import { quantile, type Bench, type BenchContext } from './harness/index.ts';

const load = 0.7;
const p99MsMax = 10;
const pauseMsMax = 50;
/** In the cache when it begins: a heap as one that serves has. */
const objects = 20_000;
const path = (at: number | string): string => `/bench/${at}.m4s`;
/**
 * Between two requests of one of the many connections that make up the load, on average, ms. Each rests for another while: all
 * for the same one, they would ask all at once, and be answered one after the other by any server.
 */
const restMs = 20;
const roundSeconds = 20;
const any = `request = function() return wrk.format("GET", "/bench/" .. math.random(0, ${objects - 1}) .. ".m4s") end\n`;

interface Seen {
  readonly times: number[];
  readonly rounds: Round[];
  seconds: number;
  ownLagMs: number;
  failures: number;
}

interface Loaded {
  readonly server: Measured;
  readonly connections: number;
  readonly seen: Seen;
}

/** As many connections, each of which rests between its requests, as make up the share of what the server can do. */
async function connectionsFor(server: Measured, folder: string): Promise<{ readonly connections: number; readonly perSecond: number }> {
  const [full, resting] = [join(folder, 'full.lua'), join(folder, 'resting.lua')];
  await writeFile(full, any);
  await writeFile(resting, `${any}delay = function() return math.random(0, ${2 * restMs}) end\n`);
  await wrk(server, '/', 2, clientCore, 'http', full);
  const most = (await wrk(server, '/', 3, clientCore, 'http', full)).requests / 3;
  let connections = Math.round((load * most * (restMs + 1)) / 1000);
  let perSecond = 0;
  for (let tries = 0; tries < 3; tries++) {
    perSecond = (await wrk(server, '/', 3, clientCore, 'http', resting, connections, 'yielding')).requests / 3;
    connections = Math.round((connections * load * most) / perSecond);
  }
  return { connections, perSecond: most };
}

async function round({ connections, seen, server }: Loaded, folder: string): Promise<void> {
  const probe = await startProbe(server.port, path(0));
  try {
    const running = wrk(server, '/', roundSeconds, clientCore, 'http', join(folder, 'resting.lua'), connections, 'yielding');
    // While the connections of the load are opened nothing counts.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await probe.clear();
    await new Promise((resolve) => setTimeout(resolve, (roundSeconds - 2) * 1000));
    const { failures, ownLagMs, times } = await probe.take();
    for (const ms of times) seen.times.push(ms);
    seen.seconds += roundSeconds - 2;
    seen.ownLagMs = Math.max(seen.ownLagMs, ownLagMs);
    seen.failures += failures;
    seen.rounds.push(await running);
  } finally {
    probe.stop();
  }
}

async function measure(context: BenchContext, { servers, folder }: BesideNginx): Promise<void> {
  const loaded: Record<string, Loaded> = {};
  context.row('1 KB hits, any of 20,000', 'at saturation, 1/s', 'connections for 70 %', '', '', '');
  for (const [name, server] of Object.entries(servers)) {
    await askEach(
      server.port,
      Array.from({ length: objects }, (_, at) => path(at)),
    );
    const { connections, perSecond } = await connectionsFor(server, folder);
    loaded[name] = { server, connections, seen: { times: [], rounds: [], seconds: 0, ownLagMs: 0, failures: 0 } };
    context.row(name, perSecond, connections, '', '', '');
  }
  // In turn, so that a noisy neighbour meets both.
  for (let at = 0; at < (context.quick ? 4 : 100); at++) for (const one of Object.values(loaded)) await round(one, folder);
  context.row('asked once a millisecond meanwhile', 'load, 1/s', 'share of a core', 'p99, ms', 'longest, ms', 'longest of the client itself, ms');
  for (const [name, { seen }] of Object.entries(loaded)) {
    const [requests, used] = [seen.rounds.reduce((sum, one) => sum + one.requests, 0), seen.rounds.reduce((sum, one) => sum + one.cpuSeconds, 0)];
    const lasted = seen.rounds.length * roundSeconds;
    context.row(name, requests / lasted, used / lasted, quantile(seen.times, 0.99), longest(seen), seen.ownLagMs);
  }
  const edge = (loaded['edge'] as Loaded).seen;
  const other = loaded[peer]?.seen;
  const p99 = quantile(edge.times, 0.99);
  context.bar(
    'edge.pauses.p99',
    p99,
    'ms',
    `< ${p99MsMax}`,
    p99 < p99MsMax && edge.failures === 0,
    other === undefined ? undefined : quantile(other.times, 0.99),
  );
  const pause = longest(edge);
  context.bar(
    'edge.pauses.longest',
    pause,
    `ms in ${Math.round(edge.seconds)} s`,
    `< ${pauseMsMax}`,
    pause < pauseMsMax,
    other === undefined ? undefined : longest(other),
  );
}

const longest = ({ times }: Seen): number => times.reduce((most, ms) => Math.max(most, ms), 0);

export const bench: Bench = {
  name: 'edge-pauses',
  summary: 'hits of 1 KB at 70 % load beside nginx proxy_cache: the p99 and the longest pause that a client sees that asks all the time',
  run: (context) => besideNginx('edge-pauses', (all) => measure(context, all)),
};
